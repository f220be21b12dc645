#pragma once
// What the program and its HTTP helper say to each other: named fields, each `NAME LENGTH\n` and
// then its bytes. Sees the standard library alone, so that the helper stays small.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace iclora::captions {

using Fields = std::vector<std::pair<std::string, std::string>>;

/// Names are letters and underscores; values any bytes.
std::string pack(const Fields& fields);
/// None for a text that is not so, a cut one included.
std::optional<Fields> unpack(std::string_view text);

/// The value of the first field of that name; empty where there is none.
std::string field(const Fields& fields, std::string_view name);
/// The same as a whole number of at most 18 digits; `fallback` where it is none.
int64_t field_number(const Fields& fields, std::string_view name, int64_t fallback);

}  // namespace iclora::captions
