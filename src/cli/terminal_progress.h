#pragma once
// Progress of work inside the program itself, on the terminal; the first signal cancels it.

#include <memory>

#include "cli/terminal.h"
#include "core/progress.h"

namespace iclora::cli {

class TerminalProgress final : public Progress {
 public:
  TerminalProgress();
  void report(const ProgressEvent& event) override;
  bool cancelled() const override;
  /// Takes the line away, so that messages may follow.
  void end() { terminal_.reset(); }

 private:
  std::unique_ptr<Terminal> terminal_;
};

}  // namespace iclora::cli
