#pragma once
// From the sizes of a set's pictures to a layout: every edge of every panel a multiple of 16, so
// that no token straddles a seam, and no picture enlarged.

#include <optional>
#include <vector>

#include "panels/layout.h"

namespace iclora::panels {

/// In pixels.
struct Size {
  int64_t width = 0, height = 0;
  bool operator==(const Size&) const = default;
};

/// Throws (exit 2) unless a gutter is a multiple of 16 from 0 up; names the nearest that is.
void check_gutter(int64_t gutter, const std::string& what);

/// The largest size of one shape for all panels, such that each picture can fill it without being
/// enlarged. The shape is the pictures' own where they agree, else their geometric mean. Not yet
/// rounded to tokens. Needs at least one picture.
Size common_size(const std::vector<Size>& pictures);

// The three solvers. `resolution` r: a canvas of at most r x r pixels, at its own shape; none: as
// large as the pictures allow. Errors (exit 2): pictures or an r too small for panels of 16 x 16, a
// canvas beyond the limits of `grid_layout` or of more than 64 Mi pixels.

/// Equal panels of at most `panel` each.
Layout solve_grid(const Grid& grid, Size panel, int64_t gutter = 0,
                  std::optional<int64_t> resolution = {});

/// Panels that keep their own shapes, side by side at equal height (row), or stacked at equal width
/// (column). The layout's grid is 1xN or Nx1.
enum class Strip { row, column };
Layout solve_strip(Strip strip, const std::vector<Size>& pictures, int64_t gutter = 0,
                   std::optional<int64_t> resolution = {});

/// Free boxes, their edges moved to the nearest multiples of 16: they stay disjoint, inside, and
/// touch where they touched. Error (exit 2) for a box that would have no width or height left.
Layout solve_boxes(const Layout& stated, std::optional<int64_t> resolution = {});

}  // namespace iclora::panels
