#pragma once
// Tokens that are found in the text as they stand, before the model cuts the rest: <|endoftext|>,
// </s>, <extra_id_0>, ...

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"

namespace iclora::tokenizers {

struct AddedToken {
  std::string content;
  int32_t id = -1;           ///< -1: not known yet
  bool lstrip = false;       ///< swallows the white space before it
  bool rstrip = false;       ///< swallows the white space after it
  bool single_word = false;  ///< only where no word character touches it
  bool normalized = false;   ///< looked for, normalised, in the normalised text
};

/// A stretch of text, or one added token.
struct Segment {
  std::string_view text;
  int32_t id = -1;  ///< of the token; -1: ordinary text
};

/// Cuts a text at the tokens of one list; at one place the longest wins.
class AddedTokens {
 public:
  /// `pattern`: what is looked for. Of equal patterns the first one added counts.
  void add(std::string pattern, const AddedToken& token);
  std::vector<Segment> split(std::string_view text) const;

 private:
  struct Entry {
    std::string pattern;
    AddedToken token;
  };
  const Entry* longest_at(std::string_view text, size_t position) const;
  std::array<std::vector<Entry>, 256> by_first_byte_;
};

/// Reads a token written as an object (`content` and the flags). `special`: what the flag is where
/// it is not written; special tokens are by default not normalised, others are. Errors (exit 2)
/// name `origin`.
AddedToken added_token_from_json(const Json& json, bool special, const std::string& origin);

}  // namespace iclora::tokenizers
