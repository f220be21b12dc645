#include "run/config.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/nearest.h"
#include "run/config_fields.h"

namespace iclora::run {
namespace {

std::string one_line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// The dotted key under construction.
class Path {
 public:
  std::string of(const char* key) const { return prefix_ + key; }
  template <typename Fields>
  void inside(const char* key, Fields&& fields) {
    const size_t length = prefix_.size();
    prefix_ += key;
    prefix_ += '.';
    fields();
    prefix_.resize(length);
  }

 private:
  std::string prefix_;
};

class Keys {
 public:
  std::vector<std::string> all;
  std::set<std::string> texts, sections;

  void text(const char* key, std::string&, TextRule) {
    add(key);
    texts.insert(path_.of(key));
  }
  template <typename Enum, size_t N>
  void choice(const char* key, Enum&, const std::array<std::string_view, N>&) {
    add(key);
  }
  void integer(const char* key, int64_t&, int64_t, int64_t) { add(key); }
  void seed(const char* key, uint64_t&) { add(key); }
  void number(const char* key, double&, Range) { add(key); }
  template <typename Parse, typename Print>
  void value(const char* key, const char*, Parse&&, Print&&) {
    add(key);
  }
  template <typename Fields>
  void section(const char* key, Fields&& fields) {
    sections.insert(path_.of(key));
    path_.inside(key, fields);
  }
  template <typename Section, typename Fields>
  void optional_section(const char* key, std::optional<Section>& value, Fields&& fields) {
    value.emplace();
    section(key, fields);
  }

 private:
  void add(const char* key) { all.push_back(path_.of(key)); }
  Path path_;
};

Keys collect_keys() {
  Keys keys;
  Config config;
  visit_config(keys, config);
  return keys;
}

std::string leaf(const std::string& key) {
  return key.substr(key.rfind('.') + 1);
}

/// The known key that was probably meant by `key`, which is unknown: the same name in another
/// section, a near name in its own, a near name anywhere.
std::string suggestion(const std::string& key, const Keys& keys) {
  std::vector<std::string> known = keys.all;
  known.insert(known.end(), keys.sections.begin(), keys.sections.end());
  const std::string name = leaf(key);
  const std::string section = key.substr(0, key.size() - name.size());
  for (const std::string& candidate : known) {
    if (leaf(candidate) == name) return fmt::format("; did you mean '{}'?", candidate);
  }
  std::vector<std::string> here, names;
  for (const std::string& candidate : known) {
    names.push_back(leaf(candidate));
    if (candidate == section + leaf(candidate)) here.push_back(leaf(candidate));
  }
  if (const auto near = nearest(name, here)) {
    return fmt::format("; did you mean '{}{}'?", section, *near);
  }
  if (const auto near = nearest(name, names)) {
    const auto at = std::find(names.begin(), names.end(), *near) - names.begin();
    return fmt::format("; did you mean '{}'?", known[static_cast<size_t>(at)]);
  }
  return fmt::format("; known here are {}", fmt::join(here, ", "));
}

class Reader {
 public:
  Reader(const Json& document, const std::string& origin, const Places& places)
      : object_(&document), origin_(origin), places_(places) {}

  /// Before any value, so that a misspelt key is not reported as a missing one.
  void check_keys(const Json& object, const std::string& prefix, const Keys& keys) const {
    if (!object.is_object()) {
      fail_input("{} must be a map of keys, but it is {}; write KEY: VALUE lines.",
                 prefix.empty() ? origin_ : place(prefix), found(object));
    }
    for (const auto& [key, value] : object.items()) {
      const std::string path = prefix.empty() ? key : fmt::format("{}.{}", prefix, key);
      if (keys.sections.contains(path)) {
        if (!value.is_null()) check_keys(value, path, keys);
      } else if (std::find(keys.all.begin(), keys.all.end(), path) == keys.all.end()) {
        fail_input("{} is an unknown key{}", place(path), suggestion(path, keys));
      }
    }
  }

  void text(const char* key, std::string& value, TextRule rule) {
    const Json* json = find(key);
    if (json == nullptr) {
      if (rule == TextRule::required) {
        fail_input("{} is required, but it is not given; write it into the file or give --set {}=…",
                   place(path_.of(key)), path_.of(key));
      }
      return;
    }
    if (!json->is_string()) refuse(key, "a text (put it in quotes)", *json);
    value = json->get<std::string>();
    try {
      static_cast<void>(json->dump());
    } catch (const Json::exception&) {
      refuse(key, "UTF-8 text", *json);
    }
    if (value.find('\0') != std::string::npos) refuse(key, "a text without zero bytes", *json);
    if (rule == TextRule::required && value.empty()) refuse(key, "a text that is not empty", *json);
    const bool control = std::any_of(value.begin(), value.end(), [](char c) {
      return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    });
    if (rule == TextRule::name && (value == "." || value == ".." || value.size() > 200 || control ||
                                   value.find('/') != std::string::npos)) {
      refuse(key, "the name of a file without its folder, at most 200 bytes", *json);
    }
  }

  template <typename Enum, size_t N>
  void choice(const char* key, Enum& value, const std::array<std::string_view, N>& names) {
    const Json* json = find(key);
    if (json == nullptr) return;
    for (size_t i = 0; i < N; ++i) {
      if (*json == names[i]) {
        value = static_cast<Enum>(i);
        return;
      }
    }
    refuse(key, fmt::format("{}", fmt::join(names, " or ")), *json);
  }

  void integer(const char* key, int64_t& value, int64_t low, int64_t high) {
    const Json* json = find(key);
    if (json == nullptr) return;
    if (!json->is_number_integer() || *json < low || *json > high) {
      refuse(key, fmt::format("a whole number from {} to {}", low, high), *json);
    }
    value = json->get<int64_t>();
  }

  void seed(const char* key, uint64_t& value) {
    auto number = static_cast<int64_t>(value);
    integer(key, number, 0, kLargestSeed);
    value = static_cast<uint64_t>(number);
  }

  void number(const char* key, double& value, Range range) {
    const Json* json = find(key);
    if (json == nullptr) return;
    const double x = json->is_number() ? json->get<double>() : std::nan("");
    const bool low = range.low_open ? x > range.low : x >= range.low;
    const bool high = range.high_open ? x < range.high : x <= range.high;
    if (!low || !high) {
      refuse(
          key,
          fmt::format("a number {} {} {} {}", range.low_open ? "above" : "from", range.low,
                      range.high_open ? "to below" : (range.low_open ? "up to" : "to"), range.high),
          *json);
    }
    value = x;
  }

  template <typename Parse, typename Print>
  void value(const char* key, const char* expected, Parse&& parse, Print&&) {
    const Json* json = find(key);
    if (json == nullptr) return;
    bool fits = false;
    try {
      fits = parse(*json);
    } catch (const Error& error) {
      fail_input("{} must be {}: {}", place(path_.of(key)), expected, error.what());
    }
    if (!fits) refuse(key, expected, *json);
  }

  template <typename Fields>
  void section(const char* key, Fields&& fields) {
    static const Json nothing = Json::object();
    const Json* outer = object_;
    const Json* inner = find(key);
    object_ = inner == nullptr ? &nothing : inner;
    path_.inside(key, fields);
    object_ = outer;
  }

  template <typename Section, typename Fields>
  void optional_section(const char* key, std::optional<Section>& value, Fields&& fields) {
    value.reset();
    if (find(key) == nullptr) return;
    value.emplace();
    section(key, fields);
  }

  std::string place(const std::string& path) const {
    const auto known = places_.find(path);
    return known != places_.end() ? known->second
                                  : fmt::format("{}: '{}'", origin_, printable(path));
  }

 private:
  /// Null counts as absent.
  const Json* find(const char* key) const {
    const auto entry = object_->find(key);
    return entry == object_->end() || entry->is_null() ? nullptr : &*entry;
  }

  static std::string found(const Json& json) { return printable(one_line(json), 80); }

  [[noreturn]] void refuse(const char* key, const std::string& expected, const Json& json) const {
    fail_input("{} must be {}, but it is {}", place(path_.of(key)), expected, found(json));
  }

  const Json* object_;
  const std::string& origin_;
  const Places& places_;
  Path path_;
};

class Writer {
 public:
  Json result = Json::object();

  void text(const char* key, std::string& value, TextRule) { (*object_)[key] = value; }
  template <typename Enum, size_t N>
  void choice(const char* key, Enum& value, const std::array<std::string_view, N>& names) {
    (*object_)[key] = names[static_cast<size_t>(value)];
  }
  void integer(const char* key, int64_t& value, int64_t, int64_t) { (*object_)[key] = value; }
  void seed(const char* key, uint64_t& value) { (*object_)[key] = static_cast<int64_t>(value); }
  void number(const char* key, double& value, Range) { (*object_)[key] = value; }
  template <typename Parse, typename Print>
  void value(const char* key, const char*, Parse&&, Print&& print) {
    (*object_)[key] = print();
  }
  template <typename Fields>
  void section(const char* key, Fields&& fields) {
    Json* outer = object_;
    Json inner = Json::object();
    object_ = &inner;
    fields();
    object_ = outer;
    (*object_)[key] = std::move(inner);
  }
  template <typename Section, typename Fields>
  void optional_section(const char* key, std::optional<Section>& value, Fields&& fields) {
    if (value) section(key, fields);
  }

 private:
  Json* object_ = &result;
};

bool may_differ(const std::string& key) {
  return key == "train.steps" || key == "out" || key.starts_with("sample.") ||
         key.starts_with("save.");
}

}  // namespace

std::string_view name_of(Method value) {
  return kMethods[static_cast<size_t>(value)];
}
std::string_view name_of(Schedule value) {
  return kSchedules[static_cast<size_t>(value)];
}
std::string_view name_of(GivenSees value) {
  return kGivenSees[static_cast<size_t>(value)];
}
std::string_view name_of(Precision value) {
  return kPrecisions[static_cast<size_t>(value)];
}
std::string_view name_of(SavePrecision value) {
  return kSavePrecisions[static_cast<size_t>(value)];
}
std::string_view name_of(TimestepSampling value) {
  return kTimestepSamplings[static_cast<size_t>(value)];
}

int64_t DataConfig::validation_sets(int64_t sets) const {
  if (validation <= 0) return 0;
  const double wanted = validation >= 1 ? validation : validation * static_cast<double>(sets);
  const auto held_out = std::max<int64_t>(1, std::llround(wanted));
  if (held_out >= sets) {
    fail_input(
        "data.validation holds out {} of {} sets, so that none is left to train on; lower it.",
        held_out, sets);
  }
  return held_out;
}

Config config_from_json(const Json& document, const std::string& origin, const Places& places) {
  Reader reader(document, origin, places);
  reader.check_keys(document, "", collect_keys());
  Config config;
  visit_config(reader, config);
  if (config.train.given_sees == GivenSees::given &&
      config.train.given_timestep != GivenTimestep::zero) {
    fail_input(
        "{} is given, but train.given_timestep is shared: given panels would be others at each "
        "step; write given_timestep: zero, or leave given_sees out.",
        reader.place("train.given_sees"));
  }
  return config;
}

Json config_to_json(const Config& config) {
  Writer writer;
  Config copy = config;
  visit_config(writer, copy);
  return std::move(writer.result);
}

std::vector<std::string> config_keys() {
  return collect_keys().all;
}

bool is_text_key(const std::string& dotted_key) {
  return collect_keys().texts.contains(dotted_key);
}

std::optional<Difference> first_difference(const Config& before, const Config& after) {
  const Json old_values = config_to_json(before);
  const Json new_values = config_to_json(after);
  for (const std::string& key : config_keys()) {
    if (may_differ(key)) continue;
    std::string pointer = "/" + key;
    std::replace(pointer.begin(), pointer.end(), '.', '/');
    const Json& old_value = old_values.at(Json::json_pointer(pointer));
    const Json& new_value = new_values.at(Json::json_pointer(pointer));
    if (old_value != new_value) return Difference{key, one_line(old_value), one_line(new_value)};
  }
  return std::nullopt;
}

}  // namespace iclora::run
