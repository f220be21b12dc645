#include "panels/grid.h"

#include <charconv>

#include "core/error.h"

namespace iclora::panels {

void check_grid(const Grid& grid) {
  if (grid.rows < 1 || grid.columns < 1 || grid.rows > kMostRows || grid.columns > kMostRows) {
    fail_input("A grid of {} rows and {} columns cannot be laid out; each must be from 1 to {}.",
               grid.rows, grid.columns, kMostRows);
  }
}

Grid parse_grid(std::string_view text) {
  Grid grid;
  const auto number = [](std::string_view part, int64_t& out) {
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), out);
    return !part.empty() && error == std::errc() && end == part.data() + part.size() && out >= 1 &&
           out <= kMostRows;
  };
  const size_t x = text.find('x');
  if (x == std::string_view::npos || !number(text.substr(0, x), grid.rows) ||
      !number(text.substr(x + 1), grid.columns)) {
    fail_input("The grid '{}' must be ROWSxCOLUMNS, such as 3x1, each from 1 to {}.",
               printable(text), kMostRows);
  }
  return grid;
}

std::string to_string(const Grid& grid) {
  return fmt::format("{}x{}", grid.rows, grid.columns);
}

}  // namespace iclora::panels
