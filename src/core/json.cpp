#include "core/json.h"

#include <cmath>
#include <set>
#include <vector>

#include "core/error.h"
#include "core/file.h"

namespace iclora {
namespace {

constexpr int kMaximumDepth = 64;
// The JSON type looks each new key up among all earlier ones: a file of a million keys would take
// an hour. The largest known object, a model's list of tensors, has some thousands.
constexpr size_t kMostKeys = 1 << 15;

const Json* member(const Json& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(std::string(key));
  return found == object.end() ? nullptr : &*found;
}

[[noreturn]] void fail_member(const Json& object, std::string_view key, const std::string& origin,
                              const std::string& expected) {
  const Json* value = member(object, key);
  const std::string found =
      value == nullptr ? "nothing"
                       : printable(value->dump(-1, ' ', false, Json::error_handler_t::replace), 60);
  fail_input("{}: '{}' must be {}, but there is {}.", printable(origin), key, expected, found);
}

}  // namespace

Json parse_json(std::string_view text, const std::string& origin) {
  std::vector<std::set<std::string>> keys;  // of the objects that are open now
  const Json::parser_callback_t watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > kMaximumDepth) {
      fail_input("{} is nested deeper than {} levels; it is not a file of this kind.",
                 printable(origin), kMaximumDepth);
    }
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.empty() &&
        !keys.back().insert(parsed.get<std::string>()).second) {
      fail_input("{}: the key '{}' stands twice in one object; keep one.", printable(origin),
                 printable(parsed.get<std::string>()));
    }
    if (event == Json::parse_event_t::key && keys.back().size() > kMostKeys) {
      fail_input("{} has more than {} keys in one object; it is not a file of this kind.",
                 printable(origin), kMostKeys);
    }
    return true;
  };
  if (text.find('\0') != std::string_view::npos) {  // the parser would take it for the end
    fail_input("{} is not valid JSON: it holds a zero byte.", printable(origin));
  }
  try {
    return Json::parse(text.begin(), text.end(), watch);
  } catch (const Json::exception& error) {
    std::string what = error.what();  // "[json.exception.parse_error.101] parse error at ..."
    if (const size_t end = what.find("] "); end != std::string::npos) what.erase(0, end + 2);
    fail_input("{} is not valid JSON: {}.", printable(origin), printable(what, 200));
  }
}

Json read_json(const std::filesystem::path& path, uint64_t limit) {
  return parse_json(read_file(path, limit), "'" + path.native() + "'");
}

int64_t json_integer(const Json& object, std::string_view key, const std::string& origin,
                     int64_t low, int64_t high) {
  const Json* value = member(object, key);
  const auto expected = fmt::format("an integer from {} to {}", low, high);
  if (value == nullptr || !value->is_number_integer()) fail_member(object, key, origin, expected);
  if (value->is_number_unsigned() && value->get<uint64_t>() > static_cast<uint64_t>(INT64_MAX)) {
    fail_member(object, key, origin, expected);
  }
  const auto number = value->get<int64_t>();
  if (number < low || number > high) fail_member(object, key, origin, expected);
  return number;
}

int64_t json_integer_or(const Json& object, std::string_view key, const std::string& origin,
                        int64_t low, int64_t high, int64_t fallback) {
  const Json* value = member(object, key);
  if (value == nullptr || value->is_null()) return fallback;
  return json_integer(object, key, origin, low, high);
}

double json_number(const Json& object, std::string_view key, const std::string& origin) {
  const Json* value = member(object, key);
  if (value == nullptr || !value->is_number() || !std::isfinite(value->get<double>())) {
    fail_member(object, key, origin, "a number");
  }
  return value->get<double>();
}

double json_number_or(const Json& object, std::string_view key, const std::string& origin,
                      double fallback) {
  const Json* value = member(object, key);
  if (value == nullptr || value->is_null()) return fallback;
  return json_number(object, key, origin);
}

bool json_bool_or(const Json& object, std::string_view key, const std::string& origin,
                  bool fallback) {
  const Json* value = member(object, key);
  if (value == nullptr || value->is_null()) return fallback;
  if (!value->is_boolean()) fail_member(object, key, origin, "true or false");
  return value->get<bool>();
}

std::string json_string(const Json& object, std::string_view key, const std::string& origin) {
  const Json* value = member(object, key);
  if (value == nullptr || !value->is_string()) fail_member(object, key, origin, "a text");
  return value->get<std::string>();
}

std::string json_string_or(const Json& object, std::string_view key, const std::string& origin,
                           const std::string& fallback) {
  const Json* value = member(object, key);
  if (value == nullptr || value->is_null()) return fallback;
  return json_string(object, key, origin);
}

}  // namespace iclora
