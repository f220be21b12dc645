#include "run/foreign_keys.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"

namespace iclora::run {

ForeignKeys::ForeignKeys(const Json& document) {
  for (const auto& [key, value] : document.items()) add(value, key, key);
}

void ForeignKeys::add(const Json& value, const std::string& path, const std::string& pattern) {
  if (value.is_object() && !value.empty()) {
    sections_.insert(pattern);
    for (const auto& [key, inner] : value.items()) {
      add(inner, fmt::format("{}.{}", path, key), fmt::format("{}.{}", pattern, key));
    }
    return;
  }
  const bool maps = value.is_array() && std::any_of(value.begin(), value.end(), [](const Json& v) {
                      return v.is_structured();
                    });
  if (maps) {
    for (size_t i = 0; i < value.size(); ++i) {
      add(value[i], fmt::format("{}.{}", path, i), pattern + ".*");
    }
    return;
  }
  keys_.push_back({path, pattern, value, ""});
}

std::vector<ForeignKey*> ForeignKeys::find(const std::string& pattern) {
  std::vector<ForeignKey*> found;
  for (ForeignKey& key : keys_) {
    if (key.pattern == pattern) found.push_back(&key);
  }
  return found;
}

bool ForeignKeys::has_section(const std::string& pattern) const {
  return sections_.contains(pattern);
}

std::vector<std::string> ForeignKeys::report() const {
  std::vector<std::string> lines;
  for (const ForeignKey& key : keys_) {
    lines.push_back(fmt::format("{}: {}", printable(key.path, 400), key.verdict));
  }
  return lines;
}

}  // namespace iclora::run
