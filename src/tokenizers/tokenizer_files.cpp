#include "tokenizers/tokenizer_files.h"

#include <algorithm>
#include <charconv>

#include "core/error.h"

namespace iclora::tokenizers {
namespace {

constexpr int64_t kLargestId = 1 << 24;
constexpr const char* kConfigName = "tokenizer_config.json";

using Named = std::vector<std::pair<std::string, StatedToken>>;  // by key, as they stand

Json read_object(const std::filesystem::path& folder, const char* name) {
  Json json = read_json(folder / name);
  if (!json.is_object()) fail_input("{} must hold a JSON object.", origin_of(folder, name));
  return json;
}

/// A token written as a text or as an object.
StatedToken stated_token(const Json& json, const std::string& key, const std::string& origin) {
  if (json.is_string()) return {{.content = json.get<std::string>()}, std::nullopt, origin};
  if (!json.is_object()) {
    fail_input("{}: '{}' must be a token: a text or an object with 'content'.", origin,
               printable(key));
  }
  return {added_token_from_json(json, true, origin + ": " + printable(key)), std::nullopt, origin};
}

bool names_a_token(const std::string& key, const Json& value) {
  if (value.is_null()) return false;
  constexpr std::string_view kNames[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                         "pad_token", "cls_token", "mask_token"};
  if (std::find(std::begin(kNames), std::end(kNames), key) != std::end(kNames)) return true;
  return key.ends_with("_token") && value.is_string();
}

void read_named(const Json& json, const std::string& origin, Named& named) {
  for (const auto& [key, value] : json.items()) {
    if (!names_a_token(key, value)) continue;
    const auto same = [&name = key](const auto& entry) { return entry.first == name; };
    StatedToken token = stated_token(value, key, origin);
    const auto found = std::find_if(named.begin(), named.end(), same);
    if (found == named.end()) {
      named.emplace_back(key, std::move(token));
    } else {
      found->second = std::move(token);
    }
  }
}

void read_extra(const Json& json, const char* key, const std::string& origin,
                std::optional<std::vector<StatedToken>>& extra) {
  const auto found = json.find(key);
  if (found == json.end() || found->is_null() || extra.has_value()) return;
  if (!found->is_array() && !found->is_object()) {
    fail_input("{}: '{}' must be a list of tokens.", origin, key);
  }
  extra.emplace();
  for (const Json& token : *found) extra->push_back(stated_token(token, key, origin));
}

int64_t id_from_key(const std::string& key, const std::string& origin) {
  int64_t id = -1;
  const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
  if (error != std::errc() || end != key.data() + key.size() || id < 0 || id > kLargestId) {
    fail_input("{}: 'added_tokens_decoder' has the key '{}', expected a token id.", origin,
               printable(key));
  }
  return id;
}

bool is_left(const Json& json, const char* key, const std::string& origin) {
  const std::string side = json_string_or(json, key, origin, "right");
  if (side == "left" || side == "Left") return true;
  if (side == "right" || side == "Right") return false;
  fail_input("{}: '{}' must be \"left\" or \"right\", but is \"{}\".", origin, key,
             printable(side));
}

void read_config_file(const Json& json, const std::string& origin, TokenizerConfig& config) {
  if (const auto length = json.find("model_max_length");
      length != json.end() && !length->is_null()) {
    // Without a limit the reference writes 10^30.
    if (!length->is_number() || !(length->get<double>() >= 1)) {
      fail_input("{}: 'model_max_length' must be a whole number above 0.", origin);
    }
    if (length->get<double>() < 1e6) config.model_max_length = length->get<int64_t>();
  }
  if (json.contains("extra_ids")) {
    config.extra_ids = json_integer(json, "extra_ids", origin, 0, 100000);
  }
  refuse_member(json, "split_special_tokens", origin);
  read_extra(json, "extra_special_tokens", origin, config.extra_tokens);
  read_extra(json, "additional_special_tokens", origin, config.extra_tokens);
  if (const auto added = json.find("added_tokens_decoder"); added != json.end()) {
    if (!added->is_object()) fail_input("{}: 'added_tokens_decoder' must be an object.", origin);
    for (const auto& [key, value] : added->items()) {
      const int64_t id = id_from_key(key, origin);
      config.tokens.push_back({added_token_from_json(value, false, origin), id, origin});
    }
  }
}

/// Folders that were written before tokenizer_config.json listed the added tokens.
void read_older_files(const std::filesystem::path& folder, const Json* tokenizer_json, Named& named,
                      TokenizerConfig& config) {
  if (has_file(folder, "special_tokens_map.json")) {
    const Json json = read_object(folder, "special_tokens_map.json");
    const std::string origin = origin_of(folder, "special_tokens_map.json");
    read_named(json, origin, named);
    read_extra(json, "extra_special_tokens", origin, config.extra_tokens);
    read_extra(json, "additional_special_tokens", origin, config.extra_tokens);
  }
  if (has_file(folder, "added_tokens.json")) {
    const Json json = read_object(folder, "added_tokens.json");
    const std::string origin = origin_of(folder, "added_tokens.json");
    for (const auto& item : json.items()) {
      const std::string& content = item.key();
      const bool special = std::any_of(named.begin(), named.end(), [&](const auto& entry) {
        return entry.second.token.content == content;
      });
      config.tokens.push_back({{.content = content, .normalized = !special},
                               json_integer(json, content, origin, 0, kLargestId),
                               origin});
    }
  }
  if (tokenizer_json != nullptr && tokenizer_json->contains("added_tokens")) {
    const std::string origin = origin_of(folder, "tokenizer.json");
    const Json& list = (*tokenizer_json)["added_tokens"];
    if (!list.is_array()) fail_input("{}: 'added_tokens' must be a list.", origin);
    for (const Json& token : list) {
      AddedToken added = added_token_from_json(token, false, origin);
      const int64_t id = json_integer(token, "id", origin + ": added_tokens", 0, kLargestId);
      config.tokens.push_back({std::move(added), id, origin});
    }
  }
}

}  // namespace

bool has_file(const std::filesystem::path& folder, const char* name) {
  std::error_code ignored;
  return std::filesystem::exists(std::filesystem::symlink_status(folder / name, ignored));
}

std::string origin_of(const std::filesystem::path& folder, const char* name) {
  return "'" + printable((folder / name).native(), 400) + "'";
}

TokenizerConfig read_tokenizer_config(const std::filesystem::path& folder,
                                      const Json* tokenizer_json) {
  TokenizerConfig config;
  Named named;
  Json json = Json::object();
  const std::string origin = origin_of(folder, kConfigName);
  if (has_file(folder, kConfigName)) json = read_object(folder, kConfigName);
  read_named(json, origin, named);
  read_config_file(json, origin, config);
  if (!json.contains("added_tokens_decoder")) {
    read_older_files(folder, tokenizer_json, named, config);
  }
  // tokenizer.json keeps how it was last used; the configuration wins over it.
  const Json none = Json::object();
  const auto kept = [&](const char* key) -> const Json& {
    if (tokenizer_json == nullptr || !tokenizer_json->contains(key)) return none;
    const Json& value = (*tokenizer_json)[key];
    return value.is_object() ? value : none;
  };
  const std::string json_origin = origin_of(folder, "tokenizer.json");
  config.sides.truncate_left = json.contains("truncation_side")
                                   ? is_left(json, "truncation_side", origin)
                                   : is_left(kept("truncation"), "direction", json_origin);
  config.sides.pad_left = json.contains("padding_side")
                              ? is_left(json, "padding_side", origin)
                              : is_left(kept("padding"), "direction", json_origin);
  std::stable_sort(config.tokens.begin(), config.tokens.end(),
                   [](const auto& a, const auto& b) { return a.id < b.id; });
  for (auto& [key, token] : named) {
    for (const auto& [name, text] : {std::pair("pad_token", &config.pad_token),
                                     {"eos_token", &config.eos_token},
                                     {"bos_token", &config.bos_token},
                                     {"unk_token", &config.unk_token}}) {
      if (key == name) *text = token.token.content;
    }
    config.tokens.push_back(std::move(token));
  }
  return config;
}

std::optional<Json> read_tokenizer_json(const std::filesystem::path& folder) {
  if (!has_file(folder, "tokenizer.json")) return std::nullopt;
  Json json = read_json(folder / "tokenizer.json");
  if (!json.is_object() || !json.contains("model") || !json["model"].is_object()) {
    fail_input("{} must hold an object with a 'model'.", origin_of(folder, "tokenizer.json"));
  }
  return json;
}

void refuse_member(const Json& object, const char* key, const std::string& origin) {
  const auto found = object.find(key);
  // NOLINTNEXTLINE(readability-container-size-empty): a Json's empty() is another question
  if (found == object.end() || found->is_null() || *found == false || *found == "" || *found == 0) {
    return;
  }
  fail_input("{}: '{}' is set, which is not supported.", origin, key);
}

std::vector<int32_t> fit_to_length(std::vector<int32_t> ids, int64_t length, size_t leading,
                                   int32_t pad, Sides sides) {
  const size_t wanted = std::max(static_cast<size_t>(std::max<int64_t>(length, 0)), leading + 1);
  if (ids.size() > wanted) {
    const auto excess = static_cast<ptrdiff_t>(ids.size() - wanted);
    const auto first = sides.truncate_left ? ids.begin() + static_cast<ptrdiff_t>(leading)
                                           : ids.end() - 1 - excess;
    ids.erase(first, first + excess);
  }
  ids.insert(sides.pad_left ? ids.begin() : ids.end(), wanted - ids.size(), pad);
  return ids;
}

}  // namespace iclora::tokenizers
