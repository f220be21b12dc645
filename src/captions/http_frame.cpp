#include "captions/http_frame.h"

#include <algorithm>

namespace iclora::captions {
namespace {

std::optional<int64_t> number_of(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (text.empty() || text.size() > 18) return std::nullopt;
  int64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return negative ? -value : value;
}

}  // namespace

std::string pack(const Fields& fields) {
  std::string text;
  for (const auto& [name, value] : fields) {
    text.append(name).append(" ").append(std::to_string(value.size())).append("\n").append(value);
  }
  return text;
}

std::optional<Fields> unpack(std::string_view text) {
  Fields fields;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view head = text.substr(0, end);
    text.remove_prefix(end + 1);
    const size_t space = head.find(' ');
    if (space == std::string_view::npos || space == 0) return std::nullopt;
    const auto length = number_of(head.substr(space + 1));
    if (!length || *length < 0 || static_cast<uint64_t>(*length) > text.size()) return std::nullopt;
    const auto size = static_cast<size_t>(*length);
    fields.emplace_back(head.substr(0, space), text.substr(0, size));
    text.remove_prefix(size);
  }
  return fields;
}

std::string field(const Fields& fields, std::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const auto& entry) { return entry.first == name; });
  return found == fields.end() ? "" : found->second;
}

int64_t field_number(const Fields& fields, std::string_view name, int64_t fallback) {
  return number_of(field(fields, name)).value_or(fallback);
}

}  // namespace iclora::captions
