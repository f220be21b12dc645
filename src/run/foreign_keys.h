#pragma once
// The keys of a foreign configuration, one by one, and what became of each.

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/json.h"

namespace iclora::run {

/// A value of the file: a scalar, a list of scalars, or an empty map.
struct ForeignKey {
  std::string path;     ///< "config.process.0.train.lr"
  std::string pattern;  ///< the same with * for numbers: "config.process.*.train.lr"
  Json value;
  std::string verdict;  ///< empty: not yet decided
};

class ForeignKeys {
 public:
  explicit ForeignKeys(const Json& document);

  /// Those of a pattern, in the order of the file.
  std::vector<ForeignKey*> find(const std::string& pattern);
  /// Whether any key lies below this pattern of a map.
  bool has_section(const std::string& pattern) const;
  const std::vector<ForeignKey>& all() const { return keys_; }
  std::vector<ForeignKey>& all() { return keys_; }
  std::vector<std::string> report() const;

 private:
  void add(const Json& value, const std::string& path, const std::string& pattern);

  std::vector<ForeignKey> keys_;
  std::set<std::string> sections_;
};

/// What to do with a key that needs no thought.
struct ForeignRule {
  /// The native key it becomes; empty: none.
  std::string native;
  /// The native value of a foreign one; none: has no counterpart. Unset: the value itself.
  std::function<std::optional<Json>(const Json&)> convert;
  /// Values that change nothing, so that the key is not needed. Null is always one.
  std::vector<Json> neutral;
  bool always_neutral = false;
  std::string why;  ///< not supported, else
};

/// The rule for a key of a training process, by its pattern below config.process.*; none: unknown.
const ForeignRule* foreign_rule(const std::string& pattern);

}  // namespace iclora::run
