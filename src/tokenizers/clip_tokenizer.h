#pragma once
// CLIP's tokenizer: lower case, words by Unicode class, byte-level BPE. Equal to transformers'
// CLIPTokenizer.

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include "tokenizers/added_vocabulary.h"
#include "tokenizers/bpe.h"

namespace iclora::tokenizers {

class ClipTokenizer {
 public:
  /// From `tokenizer.json`, else `vocab.json` + `merges.txt`, with what `tokenizer_config.json` and
  /// its older companions say of special tokens. Errors (exit 2) name the file.
  static ClipTokenizer open(const std::filesystem::path& folder);

  /// <|startoftext|>, the text, <|endoftext|>. Each byte that is not UTF-8 counts as U+FFFD.
  std::vector<int32_t> encode(std::string_view text) const;
  /// Exactly `length` ids: cut so that the end stays, or padded.
  std::vector<int32_t> encode_padded(std::string_view text, int64_t length) const;

  int64_t model_max_length() const { return model_max_length_; }
  int64_t vocabulary_size() const { return vocabulary_size_; }  ///< largest id + 1

 private:
  explicit ClipTokenizer(Bpe bpe) : bpe_(std::move(bpe)) {}
  void encode_text(std::string_view text, std::vector<int32_t>& ids) const;

  Bpe bpe_;
  AddedVocabulary added_;
  Sides sides_;
  int32_t bos_ = 0, eos_ = 0, pad_ = 0;
  int64_t model_max_length_ = 77;
  int64_t vocabulary_size_ = 0;
};

}  // namespace iclora::tokenizers
