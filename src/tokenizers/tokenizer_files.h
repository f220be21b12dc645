#pragma once
// What stands in a tokenizer's folder besides its vocabulary.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "core/json.h"
#include "tokenizers/added_tokens.h"

namespace iclora::tokenizers {

/// tokenizer_config.json, where there is one.
struct TokenizerConfig {
  std::optional<int64_t> model_max_length;  ///< none where the file states none or a huge one
  std::string pad_token, eos_token, bos_token, unk_token;  ///< empty: not stated
  std::optional<int64_t> extra_ids;
  std::vector<AddedToken> added_tokens;  ///< `added_tokens_decoder`
};
TokenizerConfig read_tokenizer_config(const std::filesystem::path& folder);

/// tokenizer.json of the folder, where there is one; checked to be an object with a `model`.
std::optional<Json> read_tokenizer_json(const std::filesystem::path& folder);

/// A member that must be null or absent: what it asks for is not implemented.
void refuse_member(const Json& object, const char* key, const std::string& origin);

}  // namespace iclora::tokenizers
