#pragma once
// Where the panels of a set lie on their canvas. Plain geometry; panels are counted in reading
// order.

#include <cstdint>
#include <string>
#include <vector>

#include "core/json.h"
#include "image/image.h"
#include "panels/grid.h"

namespace iclora::panels {

/// In pixels of the canvas.
struct Box {
  int64_t x = 0, y = 0, width = 0, height = 0;
  bool operator==(const Box&) const = default;
};

struct Layout {
  int64_t width = 0, height = 0;  ///< of the canvas
  Grid grid;
  std::vector<Box> boxes;  ///< disjoint, inside the canvas
  bool operator==(const Layout&) const = default;
};

/// A panel edge that is not a multiple of this puts a seam inside a token.
inline constexpr int64_t kToken = 16;
inline constexpr int64_t kLargestCanvas = 16384;  ///< pixels a side

/// Throws (exit 2) unless both edges are multiples of 16 from 16 up; names the nearest sizes that
/// are. `what`: "--panel", "--size".
void check_token_multiple(int64_t width, int64_t height, const std::string& what);

/// Equal panels in a grid, `gutter` pixels between neighbours. Error (exit 2) for a size below 1, a
/// gutter below 0, or a canvas of more than 16384 pixels a side.
Layout grid_layout(const Grid& grid, int64_t panel_width, int64_t panel_height, int64_t gutter = 0);

/// Any picture cut into a grid: boxes cover it whole; where it does not divide, earlier rows and
/// columns are a pixel larger. Error (exit 2) when it has fewer pixels than panels along an edge,
/// or more than 16384.
Layout cut_layout(const Grid& grid, int64_t width, int64_t height);

/// {"canvas": "WxH", "grid": "RxC", "boxes": [[x, y, w, h], ...]}.
Json layout_to_json(const Layout& layout);
/// Strict: these three keys and no other, sizes in range, as many boxes as panels, all inside and
/// disjoint.
Layout layout_from_json(const Json& json, const std::string& origin);

/// Puts each panel (of its box's size) on a canvas that shows `ground` elsewhere.
image::Image compose(const std::vector<image::Image>& panels, const Layout& layout,
                     image::Rgb ground = {0, 0, 0});
/// The panels of a canvas of the layout's size: exact pixels.
std::vector<image::Image> split(const image::Image& canvas, const Layout& layout);

}  // namespace iclora::panels
