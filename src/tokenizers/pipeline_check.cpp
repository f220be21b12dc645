#include "tokenizers/pipeline_check.h"

#include <vector>

#include "core/error.h"

namespace iclora::tokenizers {
namespace {

constexpr std::string_view kMark = "\u2581";
constexpr std::string_view kWords = R"('s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+)";
constexpr std::string_view kSpecials = R"(<\|startoftext\|>|<\|endoftext\|>|)";

std::string type_of(const Json& part) {
  if (!part.is_object() || !part.contains("type") || !part["type"].is_string()) return "";
  return part["type"].get<std::string>();
}

/// The steps of a section: a "Sequence" spread out, nothing for null.
std::vector<Json> steps_of(const Json& json, const char* section, const char* list,
                           const std::string& origin) {
  const auto found = json.find(section);
  if (found == json.end() || found->is_null()) return {};
  if (type_of(*found).empty())
    fail_input("{}: '{}' must be an object with a 'type'.", origin, section);
  if (type_of(*found) != "Sequence") return {*found};
  const auto steps = found->find(list);
  if (steps == found->end() || !steps->is_array()) {
    fail_input("{}: the sequence in '{}' must have a list '{}'.", origin, section, list);
  }
  for (const Json& step : *steps) {
    if (type_of(step).empty()) {
      fail_input("{}: a step of '{}' is not an object with a 'type'.", origin, section);
    }
  }
  return {steps->begin(), steps->end()};
}

bool is(const Json& part, const char* key, std::string_view text) {
  const auto found = part.find(key);
  return found != part.end() && found->is_string() && found->get<std::string>() == text;
}

bool is(const Json& part, const char* key, bool value, bool usual) {
  const auto found = part.find(key);
  return found == part.end() ? value == usual : found->is_boolean() && found->get<bool>() == value;
}

bool replaces(const Json& step, std::string_view pattern, std::string_view content) {
  const auto found = step.find("pattern");
  return type_of(step) == "Replace" && is(step, "content", content) && found != step.end() &&
         found->is_object() && is(*found, "Regex", pattern);
}

bool splits_words(const Json& step) {
  const auto pattern = step.find("pattern");
  if (type_of(step) != "Split" || pattern == step.end() || !pattern->is_object()) return false;
  return (is(*pattern, "Regex", kWords) ||
          is(*pattern, "Regex", std::string(kSpecials) + std::string(kWords))) &&
         is(step, "behavior", "Removed") && is(step, "invert", true, false);
}

bool is_metaspace(const Json& step) {
  return type_of(step) == "Metaspace" && is(step, "replacement", kMark) &&
         (!step.contains("prepend_scheme") || is(step, "prepend_scheme", "always") ||
          is(step, "prepend_scheme", "first")) &&
         is(step, "add_prefix_space", true, true) && is(step, "split", true, true);
}

[[noreturn]] void refuse(const std::string& origin, const char* what,
                         const std::vector<Json>& steps, const char* expected) {
  std::string found;
  for (const Json& step : steps) found += (found.empty() ? "" : ", ") + type_of(step);
  fail_input("{}: the {} ({}) is not supported, expected {}.", origin, what,
             found.empty() ? "none" : printable(found), expected);
}

}  // namespace

void check_clip_pipeline(const Json& json, const std::string& origin) {
  const auto normal = steps_of(json, "normalizer", "normalizers", origin);
  if (normal.size() != 3 || type_of(normal[0]) != "NFC" || !replaces(normal[1], R"(\s+)", " ") ||
      type_of(normal[2]) != "Lowercase") {
    refuse(origin, "normalizer", normal, "CLIP's: NFC, white space to spaces, Lowercase");
  }
  const auto words = steps_of(json, "pre_tokenizer", "pretokenizers", origin);
  if (words.size() != 2 || !splits_words(words[0]) || type_of(words[1]) != "ByteLevel" ||
      !is(words[1], "add_prefix_space", false, true)) {
    refuse(origin, "pre-tokenizer", words, "CLIP's: Split by its pattern, ByteLevel");
  }
}

std::string check_t5_pipeline(const Json& json, const std::string& origin) {
  const auto normal = steps_of(json, "normalizer", "normalizers", origin);
  std::string charsmap;
  for (size_t i = 0; i < normal.size(); ++i) {
    const Json& step = normal[i];
    if (i == 0 && type_of(step) == "Precompiled") {
      charsmap = json_string_or(step, "precompiled_charsmap", origin, "");
    } else if (!(type_of(step) == "Strip" && is(step, "strip_left", false, true)) &&
               !replaces(step, " {2,}", kMark) && !replaces(step, " {2,}", " ")) {
      refuse(origin, "normalizer", normal, "T5's: Precompiled");
    }
  }
  const auto words = steps_of(json, "pre_tokenizer", "pretokenizers", origin);
  const bool known =
      (words.size() == 1 && is_metaspace(words[0])) ||
      (words.size() == 2 && type_of(words[0]) == "WhitespaceSplit" && is_metaspace(words[1]));
  if (!known) {
    refuse(origin, "pre-tokenizer", words, "T5's: WhitespaceSplit and Metaspace with U+2581");
  }
  return charsmap;
}

}  // namespace iclora::tokenizers
