#pragma once
// Messages for people, on stderr, one line each. Results go to stdout and never through here.

#include <fmt/format.h>

#include <functional>
#include <string_view>
#include <utility>

namespace iclora::log {

/// Who writes the messages from now on, instead of stderr; nullptr: stderr again. Called by one
/// thread at a time.
using Writer = std::function<void(bool warning, std::string_view text)>;
void set_writer(Writer writer);

void write_info(std::string_view text);
void write_warning(std::string_view text);

template <typename... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  write_info(fmt::format(format, std::forward<Args>(args)...));
}

/// Prefixed "warning: ".
template <typename... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  write_warning(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace iclora::log
