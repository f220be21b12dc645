#pragma once
// Errors as whole sentences, each of a kind that is also the exit code of the program.

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace iclora {

/// The value is the exit code (design 4.1).
enum class ErrorKind : int {
  internal = 1,      ///< anything else: a mistake of ours
  input = 2,         ///< wrong usage, missing or bad input
  memory = 5,        ///< out of memory
  output = 6,        ///< cannot write, or no space
  numerics = 7,      ///< not a number where one was needed
  interrupted = 75,  ///< stopped by a signal after saving
};

/// An error that a user can act on. The message is one line: what, where, expected and found, what
/// to do. It is shown as it is.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message);
  ErrorKind kind() const { return kind_; }
  int exit_code() const { return static_cast<int>(kind_); }

 private:
  ErrorKind kind_;
};

/// Throws Error with a formatted message: fail(ErrorKind::input, "'{}' has no panels", path).
template <typename... Args>
[[noreturn]] void fail(ErrorKind kind, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(kind, fmt::format(format, std::forward<Args>(args)...));
}

/// The most common case: the user's input is not as it must be (exit 2).
template <typename... Args>
[[noreturn]] void fail_input(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(ErrorKind::input, fmt::format(format, std::forward<Args>(args)...));
}

/// Text from a file or a user made fit for a one-line message: control characters and invalid UTF-8
/// are escaped (\n, \x07), and what is longer than `limit` bytes is cut with an ellipsis.
std::string printable(std::string_view text, size_t limit = 120);

}  // namespace iclora
