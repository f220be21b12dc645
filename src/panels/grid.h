#pragma once
// Rows and columns of panels.

#include <cstdint>
#include <string>
#include <string_view>

namespace iclora::panels {

struct Grid {
  int64_t rows = 1;
  int64_t columns = 1;
  int64_t count() const { return rows * columns; }
  bool operator==(const Grid&) const = default;
};

inline constexpr int64_t kMostRows = 64;  ///< and columns

/// Throws (exit 2) unless both sides are from 1 to 64.
void check_grid(const Grid& grid);

/// "3x1": three rows, one column. Error (exit 2) for anything else, or more than 64 a side.
Grid parse_grid(std::string_view text);
std::string to_string(const Grid& grid);

}  // namespace iclora::panels
