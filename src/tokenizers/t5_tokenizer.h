#pragma once
// T5's tokenizer: the model's own character map, words at white space, Unigram. Equal to
// transformers' T5TokenizerFast.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "tokenizers/added_vocabulary.h"
#include "tokenizers/charsmap.h"
#include "tokenizers/unigram.h"

namespace iclora::tokenizers {

class T5Tokenizer {
 public:
  /// From `tokenizer.json`, else `spiece.model`, with what `tokenizer_config.json` and its older
  /// companions say of special tokens. Errors (exit 2) name the file.
  static T5Tokenizer open(const std::filesystem::path& folder);

  /// The text, </s>. Each byte that is not UTF-8 counts as U+FFFD.
  std::vector<int32_t> encode(std::string_view text) const;
  /// Exactly `length` ids: cut so that </s> stays, or padded.
  std::vector<int32_t> encode_padded(std::string_view text, int64_t length) const;

  /// What tokenizer_config.json states; 512 where it states none.
  int64_t model_max_length() const { return model_max_length_; }
  int64_t vocabulary_size() const { return vocabulary_size_; }  ///< largest id + 1

 private:
  T5Tokenizer() = default;
  void encode_text(std::string_view text, std::vector<int32_t>& ids) const;

  std::shared_ptr<const Unigram> unigram_;
  Charsmap charsmap_;
  AddedVocabulary added_;
  Sides sides_;
  int32_t eos_ = 1, pad_ = 0;
  int64_t model_max_length_ = 512;
  int64_t vocabulary_size_ = 0;
};

}  // namespace iclora::tokenizers
