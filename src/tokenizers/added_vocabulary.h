#pragma once
// All added tokens of a tokenizer, with their ids: those found in the raw text and those found in
// the normalised text.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/added_tokens.h"
#include "tokenizers/tokenizer_files.h"

namespace iclora::tokenizers {

class AddedVocabulary {
 public:
  using Normalise = std::function<std::string(std::string_view)>;
  /// The id of a token of the model's vocabulary, -1 where it has none.
  using Lookup = std::function<int32_t(std::string_view)>;

  AddedVocabulary() = default;
  /// Of equal tokens the first one counts. A token that the vocabulary of `size` tokens does not
  /// have gets the next free id. Error (exit 2) where a file states another id.
  AddedVocabulary(const std::vector<StatedToken>& tokens, const Lookup& lookup, int64_t size,
                  const Normalise& normalise);

  /// -1 where there is no such added token.
  int32_t find(std::string_view content) const;
  int32_t largest_id() const { return largest_; }

  /// Appends the ids of the added tokens in `text` (valid UTF-8) and calls `model` for each stretch
  /// of normalised text between them.
  void encode(std::string_view text, const Normalise& normalise,
              const std::function<void(std::string_view)>& model, std::vector<int32_t>& ids) const;

 private:
  std::map<std::string, int32_t, std::less<>> ids_;
  AddedTokens raw_;
  AddedTokens normalised_;
  int32_t largest_ = -1;
};

}  // namespace iclora::tokenizers
