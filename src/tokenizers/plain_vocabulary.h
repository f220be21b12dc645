#pragma once
// Vocabularies that nobody has to learn, in the published file formats: for models made from sizes.

#include <cstdint>
#include <filesystem>

namespace iclora::tokenizers {

/// CLIP's: each byte, alone and at the end of a word, and no merges; 514 tokens. Writes vocab.json,
/// merges.txt and tokenizer_config.json into `folder`, which is made.
void write_byte_tokenizer(const std::filesystem::path& folder);

/// T5's: a Unigram vocabulary of single ASCII characters; 98 tokens. Writes tokenizer.json and
/// tokenizer_config.json into `folder`, which is made; `length` is what a text is cut to.
void write_character_tokenizer(const std::filesystem::path& folder, int64_t length);

}  // namespace iclora::tokenizers
