#pragma once
// Regular expressions out of files and command lines: bounded in size, and matched in a time that
// is a polynomial of the text's length, so that none hangs the program or exhausts its stack.

#include <regex>
#include <string>

namespace iclora {

/// The grammar is ECMAScript's, but for references back to a group (`\1`).
class Pattern {
 public:
  static constexpr size_t kLongest = 1000;  ///< bytes

  /// Throws std::invalid_argument, whose text says why, such as "it is longer than 1000 bytes".
  explicit Pattern(const std::string& text);

  /// Whether the pattern describes the whole text.
  bool matches(const std::string& text) const;
  /// Whether it describes a part of the text.
  bool occurs_in(const std::string& text) const;

 private:
  std::regex compiled_;
};

}  // namespace iclora
