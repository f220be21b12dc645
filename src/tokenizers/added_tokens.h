#pragma once
// Tokens that are found in the raw text before anything else looks at it: <|endoftext|>, </s>, ...

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"

namespace iclora::tokenizers {

struct AddedToken {
  std::string content;
  int32_t id = 0;
  bool lstrip = false;       ///< swallows the white space before it
  bool rstrip = false;       ///< swallows the white space after it
  bool single_word = false;  ///< only where no word character touches it
};

/// A stretch of text, or one added token.
struct Segment {
  std::string_view text;
  int32_t id = -1;  ///< of the token; -1: ordinary text
};

class AddedTokens {
 public:
  void add(AddedToken token);  ///< replaces one of the same content
  bool empty() const { return tokens_.empty(); }
  const AddedToken* find(std::string_view content) const;
  /// Cuts `text` at the added tokens; at one place the longest wins.
  std::vector<Segment> split(std::string_view text) const;

 private:
  std::map<std::string, AddedToken, std::less<>> tokens_;
};

/// Reads one entry of tokenizer.json's `added_tokens` or of tokenizer_config.json's
/// `added_tokens_decoder`. Errors (exit 2) name `origin`.
AddedToken added_token_from_json(const Json& json, int64_t id, const std::string& origin);

}  // namespace iclora::tokenizers
