#include "run/yaml_writer.h"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <cmath>
#include <string_view>

namespace iclora::run {
namespace {

/// Whether a text may stand without quotes: nothing that any YAML takes for something else.
bool is_plain(const std::string& text) {
  static constexpr std::array<std::string_view, 8> kWords = {"true", "false", "null", "yes",
                                                             "no",   "on",    "off",  "y"};
  if (text.empty() || std::isalpha(static_cast<unsigned char>(text[0])) == 0) return false;
  std::string lower;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80 || (std::isalnum(byte) == 0 && c != '_' && c != '-' && c != '.' && c != '/')) {
      return false;
    }
    lower += static_cast<char>(std::tolower(byte));
  }
  for (const std::string_view word : kWords) {
    if (lower == word) return false;
  }
  return lower != "n";
}

std::string scalar(const Json& value) {
  if (value.is_null()) return "";
  if (value.is_string()) {
    const auto text = value.get<std::string>();
    return is_plain(text) ? text : value.dump();
  }
  if (!value.is_number_float()) return value.dump();
  const auto number = value.get<double>();
  if (number == std::floor(number) && std::abs(number) < 1e15) return fmt::format("{:.0f}", number);
  std::string text = fmt::format("{}", number);
  // YAML 1.1 takes 1e-08 for a text.
  if (const size_t e = text.find('e'); e != std::string::npos && text.find('.') > e) {
    text.insert(e, ".0");
  }
  return text;
}

std::string flow(const Json& value) {
  if (!value.is_array()) return scalar(value);
  std::string text = "[";
  for (const Json& entry : value) {
    if (text.size() > 1) text += ", ";
    text += flow(entry);
  }
  return text + "]";
}

void append(std::string& out, const Json& object, size_t indent) {
  for (const auto& [key, value] : object.items()) {
    out.append(indent, ' ');
    out += is_plain(key) ? key : Json(key).dump();
    out += ':';
    if (value.is_object() && !value.empty()) {
      out += '\n';
      append(out, value, indent + 2);
      continue;
    }
    const bool list_of_texts = value.is_array() && !value.empty() && value[0].is_string();
    if (list_of_texts) {  // prompts are long
      out += '\n';
      for (const Json& entry : value)
        out.append(indent + 2, ' ').append("- " + scalar(entry) + "\n");
      continue;
    }
    const std::string text = value.is_object() ? "{}" : flow(value);
    out += text.empty() ? "\n" : " " + text + "\n";
  }
}

}  // namespace

std::string to_yaml(const Json& document) {
  std::string out;
  append(out, document, 0);
  return out;
}

}  // namespace iclora::run
