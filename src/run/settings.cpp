#include "run/settings.h"

#include "core/error.h"
#include "core/yaml.h"

namespace iclora::run {
namespace {

std::vector<std::string> split_key(const std::string& key, const std::string& setting) {
  std::vector<std::string> parts(1);
  for (const char c : key) {
    if (c == '.') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  for (const std::string& part : parts) {
    if (part.empty()) {
      fail_input("--set takes key.path=value such as train.steps=100, but it is '{}'",
                 printable(setting));
    }
  }
  return parts;
}

Json parse_value(const std::string& key, const std::string& text) {
  if (text.find_first_not_of(" \t") == std::string::npos) return nullptr;
  const std::string origin = "the value of --set " + printable(key);
  if (!is_text_key(key)) return parse_yaml(text, origin);
  try {
    Json value = parse_yaml(text, origin);
    if (value.is_string() || value.is_null()) return value;
    // A list is no path and no name; but a trigger is often a tag such as [MOVIE-SHOTS].
    if (value.is_structured() && key != "data.trigger") return value;
  } catch (const Error&) {  // a text that happens not to be YAML, such as "[MOVIE-SHOTS] x"
  }
  return text;
}

/// Maps are merged, everything else replaces.
void merge(Json& into, const Json& value, const std::string& key, const std::string& place,
           Places& places) {
  places[key] = place;
  if (!value.is_object()) {
    into = value;
    return;
  }
  if (!into.is_object()) into = Json::object();
  for (const auto& [name, inner] : value.items()) {
    merge(into[name], inner, fmt::format("{}.{}", key, name),
          fmt::format("{} ('{}')", place, printable(name)), places);
  }
}

}  // namespace

void apply_settings(Json& document, const std::vector<std::string>& settings, Places& places) {
  for (const std::string& setting : settings) {
    const size_t equals = setting.find('=');
    const std::string key = setting.substr(0, equals);
    const std::vector<std::string> parts = split_key(key, setting);
    if (equals == std::string::npos) {
      fail_input("--set takes key.path=value such as train.steps=100, but it is '{}'",
                 printable(setting));
    }
    Json* target = &document;
    for (const std::string& part : parts) {
      if (target->is_null()) *target = Json::object();
      if (!target->is_object()) {
        fail_input("--set {}: there is no such key, since what stands above it is a value",
                   printable(key));
      }
      target = &(*target)[part];
    }
    merge(*target, parse_value(key, setting.substr(equals + 1)), key, "--set " + printable(key),
          places);
  }
}

}  // namespace iclora::run
