#include "panels/layout.h"

#include <algorithm>
#include <charconv>

#include "core/error.h"
#include "image/place.h"
#include "image/resize.h"

namespace iclora::panels {
namespace {

int64_t nearest_multiple(int64_t edge) {
  return std::max(kToken, (edge + kToken / 2) / kToken * kToken);
}

/// Starts of `count` parts of `length`, and the end: the first parts take the remainder.
std::vector<int64_t> cuts(int64_t length, int64_t count) {
  std::vector<int64_t> at = {0};
  for (int64_t i = 0; i < count; ++i) {
    at.push_back(at.back() + length / count + (i < length % count ? 1 : 0));
  }
  return at;
}

/// "WxH", both from 1 to the largest canvas, in plain digits; false otherwise.
bool parse_size(std::string_view text, int64_t& width, int64_t& height) {
  const size_t x = text.find('x');
  if (x == std::string_view::npos) return false;
  const auto number = [](std::string_view part, int64_t& out) {
    const char* const end = part.data() + part.size();
    const auto [stop, error] = std::from_chars(part.data(), end, out);
    return error == std::errc() && stop == end && out >= 1 && out <= kLargestCanvas;
  };
  return number(text.substr(0, x), width) && number(text.substr(x + 1), height);
}

bool overlap(const Box& a, const Box& b) {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

}  // namespace

void check_token_multiple(int64_t width, int64_t height, const std::string& what) {
  if (width >= kToken && height >= kToken && width % kToken == 0 && height % kToken == 0) return;
  fail_input("{} is {}x{}, but both edges must be multiples of {}; the nearest is {}x{}.", what,
             width, height, kToken, nearest_multiple(width), nearest_multiple(height));
}

Layout grid_layout(const Grid& grid, int64_t panel_width, int64_t panel_height, int64_t gutter) {
  check_grid(grid);
  if (panel_width < 1 || panel_height < 1) {
    fail_input("A panel of {}x{} pixels cannot be; both edges must be 1 or more.", panel_width,
               panel_height);
  }
  if (gutter < 0 || gutter > kLargestCanvas) {
    fail_input("A gutter of {} pixels cannot be; it must be from 0 to {}.", gutter, kLargestCanvas);
  }
  // Each term is at most 64 * 16384 once the panel itself is in range.
  const bool fits = panel_width <= kLargestCanvas && panel_height <= kLargestCanvas;
  const int64_t width = fits ? grid.columns * panel_width + (grid.columns - 1) * gutter : 0;
  const int64_t height = fits ? grid.rows * panel_height + (grid.rows - 1) * gutter : 0;
  if (!fits || width > kLargestCanvas || height > kLargestCanvas) {
    fail_input("A {} grid of {}x{} panels is larger than {} pixels a side; choose smaller panels.",
               to_string(grid), panel_width, panel_height, kLargestCanvas);
  }
  Layout layout{width, height, grid, {}};
  for (int64_t row = 0; row < grid.rows; ++row) {
    for (int64_t column = 0; column < grid.columns; ++column) {
      layout.boxes.push_back({column * (panel_width + gutter), row * (panel_height + gutter),
                              panel_width, panel_height});
    }
  }
  return layout;
}

Layout cut_layout(const Grid& grid, int64_t width, int64_t height) {
  check_grid(grid);
  if (width < grid.columns || height < grid.rows) {
    fail_input("A picture of {}x{} pixels cannot be cut into {} panels.", width, height,
               to_string(grid));
  }
  if (width > kLargestCanvas || height > kLargestCanvas) {
    fail_input("A picture of {}x{} pixels is larger than {} a side.", width, height,
               kLargestCanvas);
  }
  const std::vector<int64_t> columns = cuts(width, grid.columns);
  const std::vector<int64_t> rows = cuts(height, grid.rows);
  Layout layout{width, height, grid, {}};
  for (size_t r = 0; r + 1 < rows.size(); ++r) {
    for (size_t c = 0; c + 1 < columns.size(); ++c) {
      layout.boxes.push_back(
          {columns[c], rows[r], columns[c + 1] - columns[c], rows[r + 1] - rows[r]});
    }
  }
  return layout;
}

Json layout_to_json(const Layout& layout) {
  Json boxes = Json::array();
  for (const Box& box : layout.boxes) boxes.push_back({box.x, box.y, box.width, box.height});
  return {{"canvas", fmt::format("{}x{}", layout.width, layout.height)},
          {"grid", to_string(layout.grid)},
          {"boxes", boxes}};
}

Layout layout_from_json(const Json& json, const std::string& origin) {
  if (!json.is_object()) fail_input("{}: the layout must be an object.", origin);
  Layout layout;
  layout.grid = parse_grid(json_string(json, "grid", origin));
  for (const auto& [key, value] : json.items()) {
    if (key != "canvas" && key != "grid" && key != "boxes") {
      fail_input("{}: the layout has an unknown key '{}'.", origin, printable(key));
    }
  }
  if (!parse_size(json_string(json, "canvas", origin), layout.width, layout.height)) {
    fail_input("{}: the layout's 'canvas' must be WxH, each from 1 to {}.", origin, kLargestCanvas);
  }
  const auto boxes = json.find("boxes");
  if (boxes == json.end() || !boxes->is_array() ||
      static_cast<int64_t>(boxes->size()) != layout.grid.count()) {
    fail_input("{}: the layout must have {} 'boxes'.", origin, layout.grid.count());
  }
  for (const Json& entry : *boxes) {
    std::vector<int64_t> n;
    for (size_t i = 0; entry.is_array() && i < entry.size() && i < 5; ++i) {
      if (entry[i].is_number_integer() && entry[i] >= 0 && entry[i] <= kLargestCanvas) {
        n.push_back(entry[i].get<int64_t>());
      }
    }
    if (n.size() != 4 || entry.size() != 4 || n[2] < 1 || n[3] < 1 || n[0] + n[2] > layout.width ||
        n[1] + n[3] > layout.height) {
      fail_input(
          "{}: each of the layout's boxes must be [x, y, width, height] inside the canvas, "
          "but there is {}.",
          origin, printable(entry.dump(), 60));
    }
    layout.boxes.push_back({n[0], n[1], n[2], n[3]});
  }
  for (size_t i = 0; i < layout.boxes.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (overlap(layout.boxes[i], layout.boxes[j])) {
        fail_input("{}: the layout's boxes {} and {} overlap.", origin, j + 1, i + 1);
      }
    }
  }
  return layout;
}

image::Image compose(const std::vector<image::Image>& panels, const Layout& layout,
                     image::Rgb ground) {
  if (panels.size() != layout.boxes.size()) {
    fail(ErrorKind::internal, "compose: {} panels for {} boxes.", panels.size(),
         layout.boxes.size());
  }
  image::Image canvas = image::filled(layout.width, layout.height, ground);
  for (size_t i = 0; i < panels.size(); ++i) {
    const Box& box = layout.boxes[i];
    if (panels[i].width != box.width || panels[i].height != box.height) {
      fail(ErrorKind::internal, "compose: panel {} is {}x{}, its box {}x{}.", i + 1,
           panels[i].width, panels[i].height, box.width, box.height);
    }
    image::put(canvas, panels[i], box.x, box.y);
  }
  return canvas;
}

std::vector<image::Image> split(const image::Image& canvas, const Layout& layout) {
  if (canvas.width != layout.width || canvas.height != layout.height) {
    fail(ErrorKind::internal, "split: a canvas of {}x{} for a layout of {}x{}.", canvas.width,
         canvas.height, layout.width, layout.height);
  }
  std::vector<image::Image> panels;
  for (const Box& box : layout.boxes) {
    panels.push_back(image::crop(canvas, box.x, box.y, box.width, box.height));
  }
  return panels;
}

}  // namespace iclora::panels
