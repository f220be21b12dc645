#pragma once
// A native configuration in the making: the keys of the foreign one, what has become of each, and
// the native values so far.

#include <string>
#include <vector>

#include "run/foreign_config.h"
#include "run/foreign_keys.h"

namespace iclora::run {

inline constexpr const char* kKeyUsed = "used";
inline constexpr const char* kKeyNotNeeded = "not needed";
/// "not supported, WHY".
std::string key_not_supported(const std::string& why);
/// A value of the file, for messages.
std::string shown(const Json& value);

class ForeignDraft {
 public:
  /// Error (exit 2) unless `config.process` lists one training.
  ForeignDraft(const Json& document, const std::string& origin);

  // The file's keys; patterns lie below config.process.* unless they are said to be whole.

  std::vector<ForeignKey*> find(const std::string& pattern);
  /// The one key of a pattern that is unique in a process; null counts as absent.
  ForeignKey* one(const std::string& pattern);
  /// Whether any key lies below this pattern of a map.
  bool has_section(const std::string& pattern) const;
  /// All keys whose whole pattern is this.
  std::vector<ForeignKey*> find_whole(const std::string& pattern) { return keys_.find(pattern); }
  /// Calls the key not needed wherever it lies below this section.
  void leave_out(const std::string& section);
  /// Where a key stands, for messages.
  std::string place(const ForeignKey& key) const;
  const std::string& origin() const { return origin_; }

  // The native document, by dotted keys. Values, since a new key moves all others of its section
  // in memory.

  /// Null where it has none yet.
  Json native(const std::string& dotted) const;
  void put(const std::string& dotted, Json value);
  /// The same, said by a key of the file, which is used or not supported then: several may speak of
  /// one setting, as long as they agree.
  void put(const std::string& dotted, const Json& value, ForeignKey& key);
  /// That this key of the file speaks of the setting; `again`: rather than one before it.
  void put_place(const std::string& dotted, const ForeignKey& key, bool again = false);
  void note(std::string sentence) { result_.notes.push_back(std::move(sentence)); }

  /// What needs no thought: every key without a verdict by its rule.
  void by_rules();
  /// The draft is empty then.
  Translation finish();

 private:
  void by_rule(ForeignKey& key);

  std::string origin_;
  ForeignKeys keys_;
  Translation result_;
};

}  // namespace iclora::run
