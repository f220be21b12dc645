#pragma once
// What stands in a tokenizer's folder besides its vocabulary: tokenizer_config.json and, in older
// folders, special_tokens_map.json and added_tokens.json.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "tokenizers/added_tokens.h"

namespace iclora::tokenizers {

/// A token that some file of the folder names, with the id that the file states for it.
struct StatedToken {
  AddedToken token;
  std::optional<int64_t> id;
  std::string origin;  ///< the file, for messages
};

/// Where a text that is too long is cut, and where one that is too short is padded.
struct Sides {
  bool truncate_left = false;
  bool pad_left = false;
};

struct TokenizerConfig {
  std::optional<int64_t> model_max_length;  ///< none where the file states none or a huge one
  std::string pad_token, eos_token, bos_token, unk_token;  ///< empty: not stated
  std::optional<int64_t> extra_ids;
  /// Every token stated, in the order in which the reference adds them: those with ids, by id; then
  /// the named ones (`bos_token`, ...).
  std::vector<StatedToken> tokens;
  /// `extra_special_tokens`, `additional_special_tokens`; none where the files have neither.
  std::optional<std::vector<StatedToken>> extra_tokens;
  Sides sides;
};

/// Reads what there is of these files. `tokenizer_json`: the folder's tokenizer.json, null where
/// there is none; its added tokens count where tokenizer_config.json lists none. Errors (exit 2)
/// name the file, the key and what was expected.
TokenizerConfig read_tokenizer_config(const std::filesystem::path& folder,
                                      const Json* tokenizer_json);

/// tokenizer.json of the folder, where there is one; checked to be an object with a `model`.
std::optional<Json> read_tokenizer_json(const std::filesystem::path& folder);

/// A member that must be null, false, empty or absent: what it asks for is not implemented.
void refuse_member(const Json& object, const char* key, const std::string& origin);

/// Whether the folder holds a file of this name.
bool has_file(const std::filesystem::path& folder, const char* name);

/// 'folder/name', fit for messages.
std::string origin_of(const std::filesystem::path& folder, const char* name);

/// `ids` cut to `length` or padded. The first `leading` ids and the last one are kept.
std::vector<int32_t> fit_to_length(std::vector<int32_t> ids, int64_t length, size_t leading,
                                   int32_t pad, Sides sides);

}  // namespace iclora::tokenizers
