#pragma once
// Byte-pair encoding of one word.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace iclora::tokenizers {

/// GPT-2's alphabet: each byte as a printable character; those that are not printable in Latin-1
/// stand at U+0100 and above, in order.
std::array<std::string, 256> byte_alphabet();

using Vocabulary = std::unordered_map<std::string, int32_t>;

class Bpe {
 public:
  /// `merges` in order of their rank; `suffix` ends the last symbol of a word ("</w>"). Errors
  /// (exit 2) name `origin` and a merge whose parts are not in the vocabulary.
  Bpe(Vocabulary vocabulary, const std::vector<std::pair<std::string, std::string>>& merges,
      std::string suffix, int32_t unknown, const std::string& origin);

  /// Ids of a word given as its symbols (already mapped to the byte alphabet).
  std::vector<int32_t> encode(const std::vector<std::string>& symbols) const;
  const Vocabulary& vocabulary() const { return vocabulary_; }

 private:
  struct Merge {
    int32_t rank;
    int32_t id;
  };
  Vocabulary vocabulary_;
  std::unordered_map<uint64_t, Merge> merges_;  ///< by left << 32 | right
  std::string suffix_;
  int32_t unknown_;
};

}  // namespace iclora::tokenizers
