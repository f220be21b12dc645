#include "tokenizers/tokenizer_files.h"

#include <charconv>

#include "core/error.h"

namespace iclora::tokenizers {
namespace {

/// A token is written as a text or as an object with `content`.
std::string token_text(const Json& json, const char* key, const std::string& origin) {
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return "";
  if (found->is_object()) return json_string(*found, "content", origin);
  return json_string(json, key, origin);
}

}  // namespace

TokenizerConfig read_tokenizer_config(const std::filesystem::path& folder) {
  TokenizerConfig config;
  const std::filesystem::path path = folder / "tokenizer_config.json";
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return config;
  const std::string origin = "'" + printable(path.native(), 400) + "'";
  const Json json = read_json(path);
  if (!json.is_object()) fail_input("{} must hold a JSON object.", origin);
  if (const auto length = json.find("model_max_length"); length != json.end()) {
    // Without a limit the reference writes 10^30.
    if (!length->is_number() || length->get<double>() < 1) {
      fail_input("{}: 'model_max_length' must be a whole number above 0.", origin);
    }
    if (length->get<double>() < 1e6) config.model_max_length = length->get<int64_t>();
  }
  config.pad_token = token_text(json, "pad_token", origin);
  config.eos_token = token_text(json, "eos_token", origin);
  config.bos_token = token_text(json, "bos_token", origin);
  config.unk_token = token_text(json, "unk_token", origin);
  if (json.contains("extra_ids")) {
    config.extra_ids = json_integer(json, "extra_ids", origin, 0, 100000);
  }
  if (const auto added = json.find("added_tokens_decoder"); added != json.end()) {
    if (!added->is_object()) fail_input("{}: 'added_tokens_decoder' must be an object.", origin);
    for (const auto& [key, value] : added->items()) {
      int64_t id = -1;
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
      if (error != std::errc() || end != key.data() + key.size() || id < 0 || id > 1 << 24) {
        fail_input("{}: 'added_tokens_decoder' has the key '{}', expected a token id.", origin,
                   printable(key));
      }
      config.added_tokens.push_back(added_token_from_json(value, id, origin));
    }
  }
  return config;
}

std::optional<Json> read_tokenizer_json(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "tokenizer.json";
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return std::nullopt;
  Json json = read_json(path);
  if (!json.is_object() || !json.contains("model") || !json["model"].is_object()) {
    fail_input("'{}' must hold an object with a 'model'.", printable(path.native(), 400));
  }
  return json;
}

void refuse_member(const Json& object, const char* key, const std::string& origin) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null() || *found == false || *found == "") return;
  fail_input("{}: '{}' is set, which is not supported.", origin, key);
}

}  // namespace iclora::tokenizers
