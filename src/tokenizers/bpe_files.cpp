#include "tokenizers/bpe_files.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "core/error.h"
#include "core/file.h"

namespace iclora::tokenizers {
namespace {

constexpr int32_t kLargestId = 1 << 24;
constexpr uint64_t kFileLimit = 64 << 20;
constexpr size_t kDeepest = 64;
constexpr size_t kUsualSize = 49408;  // of CLIP's vocabulary

std::pair<std::string, std::string> merge_from_line(std::string_view line, size_t number,
                                                    const std::string& origin) {
  const size_t space = line.find(' ');
  if (space == std::string_view::npos || space == 0 || space + 1 == line.size() ||
      line.find(' ', space + 1) != std::string_view::npos) {
    fail_input("{}: merge {} must be two tokens with a space between, but is '{}'.", origin, number,
               printable(line));
  }
  return {std::string(line.substr(0, space)), std::string(line.substr(space + 1))};
}

/// Follows the parser and takes the vocabulary out of what it builds: the JSON type looks a new key
/// up among all earlier ones, which takes seconds for a vocabulary.
class Watch {
 public:
  Watch(const std::vector<std::string>& where, const std::string& origin, Vocabulary& vocabulary)
      : where_(where), origin_(origin), vocabulary_(vocabulary) {
    vocabulary_.reserve(kUsualSize);
    owners_.reserve(kUsualSize);
  }

  /// Whether the parser keeps what it just saw.
  bool see(size_t depth, Json::parse_event_t event, Json& parsed) {
    if (depth > kDeepest) fail_input("{} is nested too deep for a tokenizer.", origin_);
    switch (event) {
      case Json::parse_event_t::object_start:
        if (inside(depth)) refuse_value("an object");
        keys_.emplace_back();
        break;
      case Json::parse_event_t::array_start:
        if (inside(depth)) refuse_value("a list");
        keys_.emplace_back();
        break;
      case Json::parse_event_t::object_end:
      case Json::parse_event_t::array_end:
        keys_.pop_back();
        break;
      case Json::parse_event_t::key:
        return see_key(depth, parsed.get<std::string>());
      case Json::parse_event_t::value:
        if (inside(depth)) see_id(parsed);
        break;
    }
    return true;
  }

 private:
  struct Level {
    std::string key;             ///< the latest
    std::set<std::string> seen;  ///< but for the vocabulary's own
    bool any = false;
  };

  /// Whether a value at this depth is an entry of the vocabulary.
  bool inside(size_t depth) const {
    if (depth != where_.size() + 1 || keys_.size() < depth || !keys_.back().any) {
      return false;
    }
    for (size_t i = 0; i < where_.size(); ++i) {
      if (keys_[i].key != where_[i]) return false;
    }
    return true;
  }

  bool see_key(size_t depth, const std::string& key) {
    Level& level = keys_.back();
    level.key = key;
    level.any = true;
    const bool token = inside(depth);
    if (token ? vocabulary_.contains(key) : !level.seen.insert(key).second) {
      fail_input("{}: the key '{}' stands twice in one object; keep one.", origin_, printable(key));
    }
    return !token;
  }

  [[noreturn]] void refuse_value(const std::string& found) const {
    fail_input("{}: the id of token '{}' must be a whole number from 0 to {}, but is {}.", origin_,
               printable(keys_.back().key), kLargestId, found);
  }

  void see_id(const Json& id) {
    if (!id.is_number_integer() || id < 0 || id > kLargestId) {
      refuse_value(printable(id.dump(-1, ' ', false, Json::error_handler_t::replace), 40));
    }
    const auto number = id.get<int32_t>();
    const auto place = vocabulary_.emplace(keys_.back().key, number).first;
    if (const auto [owner, first] = owners_.emplace(number, place->first); !first) {
      fail_input("{}: the tokens '{}' and '{}' have the same id {}.", origin_,
                 printable(owner->second), printable(place->first), number);
    }
  }

  const std::vector<std::string>& where_;
  const std::string& origin_;
  Vocabulary& vocabulary_;
  std::vector<Level> keys_;  ///< of the objects and lists that are open now
  std::unordered_map<int32_t, std::string_view> owners_;
};

}  // namespace

BpeJson read_bpe_json(const std::filesystem::path& path, const std::vector<std::string>& where) {
  const std::string origin = "'" + printable(path.native(), 400) + "'";
  const std::string text = read_file(path, kFileLimit);
  // A zero byte ends the text for the parser.
  if (text.find('\0') != std::string::npos) parse_json(text, origin);
  BpeJson file;
  Watch watch(where, origin, file.vocabulary);
  try {
    file.rest = Json::parse(text.begin(), text.end(),
                            [&](int depth, Json::parse_event_t event, Json& parsed) {
                              return watch.see(static_cast<size_t>(depth), event, parsed);
                            });
  } catch (const Json::exception&) {
    parse_json(text, origin);  // says what is wrong
    throw;
  }
  if (!file.rest.is_object()) fail_input("{} must hold a JSON object.", origin);
  if (file.vocabulary.empty()) {
    fail_input("{}: the vocabulary must be an object from tokens to ids.", origin);
  }
  return file;
}

Merges merges_from_text(std::string_view text, const std::string& origin) {
  Merges merges;
  size_t number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    ++number;
    if (line.empty() || line.starts_with("#version")) continue;
    merges.push_back(merge_from_line(line, number, origin));
  }
  return merges;
}

Merges merges_from_json(const Json& json, const std::string& origin) {
  if (!json.is_array()) fail_input("{}: 'merges' must be a list.", origin);
  Merges merges;
  for (const Json& entry : json) {
    if (entry.is_string()) {
      merges.push_back(merge_from_line(entry.get<std::string>(), merges.size() + 1, origin));
    } else if (entry.is_array() && entry.size() == 2 && entry[0].is_string() &&
               entry[1].is_string()) {
      merges.emplace_back(entry[0].get<std::string>(), entry[1].get<std::string>());
    } else {
      fail_input("{}: merge {} must be two tokens.", origin, merges.size() + 1);
    }
  }
  return merges;
}

}  // namespace iclora::tokenizers
