#pragma once
// What is warned of while it lives, instead of on stderr.

#include <string>
#include <string_view>
#include <vector>

#include "core/log.h"

namespace iclora::testing_support {

class HeardWarnings {
 public:
  HeardWarnings() {
    log::set_writer([this](bool warning, std::string_view text) {
      if (warning) all_.emplace_back(text);
    });
  }
  ~HeardWarnings() { log::set_writer(nullptr); }
  HeardWarnings(const HeardWarnings&) = delete;
  HeardWarnings& operator=(const HeardWarnings&) = delete;

  const std::vector<std::string>& all() const { return all_; }

 private:
  std::vector<std::string> all_;
};

}  // namespace iclora::testing_support
