#pragma once
// JSON, read strictly: a key that stands twice, trailing text and nesting deeper than 64 are
// errors, since the parser alone would keep the last key in silence.

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace iclora {

using Json = nlohmann::ordered_json;

/// Parses `text`; `origin` (a path, "--set ...") is named in errors (exit 2).
Json parse_json(std::string_view text, const std::string& origin);

/// Parses a file of at most `limit` bytes.
Json read_json(const std::filesystem::path& path, uint64_t limit = uint64_t{64} << 20);

/// Typed members. `origin` names the file in errors, which also name the key, what was expected and
/// what was found. Integers must be written as integers and lie in [low, high].
int64_t json_integer(const Json& object, std::string_view key, const std::string& origin,
                     int64_t low, int64_t high);
int64_t json_integer_or(const Json& object, std::string_view key, const std::string& origin,
                        int64_t low, int64_t high, int64_t fallback);
double json_number(const Json& object, std::string_view key, const std::string& origin);
double json_number_or(const Json& object, std::string_view key, const std::string& origin,
                      double fallback);
bool json_bool_or(const Json& object, std::string_view key, const std::string& origin,
                  bool fallback);
std::string json_string(const Json& object, std::string_view key, const std::string& origin);
std::string json_string_or(const Json& object, std::string_view key, const std::string& origin,
                           const std::string& fallback);

}  // namespace iclora
