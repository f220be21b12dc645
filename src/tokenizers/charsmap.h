#pragma once
// The character map of a sentencepiece model: a double array (darts-clone) from byte sequences to
// their replacements.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace iclora::tokenizers {

class Charsmap {
 public:
  /// `bytes`: precompiled_charsmap; empty: maps nothing. Errors (exit 2) name `origin`.
  static Charsmap from_bytes(std::string_view bytes, const std::string& origin);
  /// Of tokenizer.json, where it is in base64.
  static Charsmap from_base64(std::string_view text, const std::string& origin);

  /// Every grapheme of up to 5 bytes, else every character, by what the map has for it.
  std::string apply(std::string_view text) const;

 private:
  std::optional<std::string_view> transform(std::string_view piece) const;
  std::vector<uint32_t> trie_;
  std::string replacements_;  ///< texts, each ended by a zero byte
};

}  // namespace iclora::tokenizers
