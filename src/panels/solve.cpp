#include "panels/solve.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace iclora::panels {
namespace {

int64_t floor_token(int64_t length) {
  return length / kToken * kToken;
}

int64_t round_token(double length) {
  return std::llround(length / static_cast<double>(kToken)) * kToken;
}

double shape(const Size& size) {
  return static_cast<double>(size.width) / static_cast<double>(size.height);
}

/// Of a canvas; no overflow, since its sides are at most 16384 once it was laid out.
bool within(const Layout& layout, std::optional<int64_t> resolution) {
  return !resolution || layout.width * layout.height <= *resolution * *resolution;
}

void check_resolution(std::optional<int64_t> resolution) {
  if (resolution && (*resolution < kToken || *resolution > kLargestCanvas)) {
    fail_input("A resolution of {} cannot be; it must be from {} to {}.", *resolution, kToken,
               kLargestCanvas);
  }
}

[[noreturn]] void fail_resolution(int64_t resolution, size_t panels) {
  fail_input("{} panels of at least {}x{} pixels do not fit the resolution {}; use a larger one.",
             panels, kToken, kToken, resolution);
}

Layout checked(Layout layout) {
  if (layout.width * layout.height > image::kMaximumPixels) {
    fail_input(
        "A canvas of {}x{} has more than {} pixels; state smaller panels (panel: WxH) or a "
        "resolution.",
        layout.width, layout.height, image::kMaximumPixels);
  }
  return layout;
}

Layout strip_of(Strip strip, const std::vector<Size>& boxes, int64_t gutter) {
  const auto count = static_cast<int64_t>(boxes.size());
  Layout layout;
  layout.grid = strip == Strip::row ? Grid{1, count} : Grid{count, 1};
  int64_t at = 0;
  for (const Size& size : boxes) {
    layout.boxes.push_back(strip == Strip::row ? Box{at, 0, size.width, size.height}
                                               : Box{0, at, size.width, size.height});
    at += (strip == Strip::row ? size.width : size.height) + gutter;
  }
  layout.width = strip == Strip::row ? at - gutter : boxes[0].width;
  layout.height = strip == Strip::row ? boxes[0].height : at - gutter;
  return layout;
}

/// A picture's box in a strip whose common edge is `edge`.
Size strip_box(Strip strip, const Size& picture, int64_t edge) {
  if (strip == Strip::row) {
    const auto width = round_token(static_cast<double>(edge) * shape(picture));
    return {std::clamp(width, kToken, floor_token(picture.width)), edge};
  }
  const auto height = round_token(static_cast<double>(edge) / shape(picture));
  return {edge, std::clamp(height, kToken, floor_token(picture.height))};
}

}  // namespace

void check_gutter(int64_t gutter, const std::string& what) {
  if (gutter >= 0 && gutter % kToken == 0 && gutter <= kLargestCanvas) return;
  const int64_t nearest =
      gutter < 0 ? 0 : std::min(kLargestCanvas, (gutter + kToken / 2) / kToken * kToken);
  fail_input("{} is {}, but it must be a multiple of {} from 0 to {}; the nearest is {}.", what,
             gutter, kToken, kLargestCanvas, nearest);
}

Size common_size(const std::vector<Size>& pictures) {
  if (pictures.empty()) fail(ErrorKind::internal, "common_size: no pictures.");
  Size least = pictures[0];
  double sum = 0;
  bool same = true;
  for (const Size& picture : pictures) {
    if (picture.width < 1 || picture.height < 1) {
      fail_input("A picture of {}x{} pixels cannot be laid out.", picture.width, picture.height);
    }
    least = {std::min(least.width, picture.width), std::min(least.height, picture.height)};
    sum += std::log(shape(picture));
    same = same && picture == pictures[0];
  }
  if (same) return least;
  const double mean = std::exp(sum / static_cast<double>(pictures.size()));
  const double width =
      std::min(static_cast<double>(least.width), static_cast<double>(least.height) * mean);
  return {std::clamp<int64_t>(std::llround(width), 1, least.width),
          std::clamp<int64_t>(std::llround(width / mean), 1, least.height)};
}

Layout solve_grid(const Grid& grid, Size panel, int64_t gutter, std::optional<int64_t> resolution) {
  check_grid(grid);
  check_gutter(gutter, "The gutter");
  check_resolution(resolution);
  const Size most = {floor_token(panel.width), floor_token(panel.height)};
  if (most.width < kToken || most.height < kToken) {
    fail_input("A panel of {}x{} pixels is smaller than the least, {}x{}; use larger pictures.",
               panel.width, panel.height, kToken, kToken);
  }
  // Shapes come first, and a canvas beyond the limits may still fit once it is scaled.
  const auto width_of = [&](double w) {
    return static_cast<double>(grid.columns) * w + static_cast<double>((grid.columns - 1) * gutter);
  };
  const auto height_of = [&](double h) {
    return static_cast<double>(grid.rows) * h + static_cast<double>((grid.rows - 1) * gutter);
  };
  const auto w = static_cast<double>(panel.width), h = static_cast<double>(panel.height);
  const double limit =
      resolution ? static_cast<double>(*resolution) * static_cast<double>(*resolution) : 0;
  const auto fits = [&](double width, double height) {
    return !resolution || width_of(width) * height_of(height) <= limit;
  };
  if (fits(static_cast<double>(most.width), static_cast<double>(most.height))) {
    return checked(grid_layout(grid, most.width, most.height, gutter));
  }
  double low = 0, high = 1;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (fits(w * middle, h * middle) ? low : high) = middle;
  }
  // Of the sizes around the exact one, that which keeps the shape best; of equals the larger.
  const auto base_width = floor_token(static_cast<int64_t>(w * low));
  const auto base_height = floor_token(static_cast<int64_t>(h * low));
  std::optional<Size> best;
  double best_error = 0;
  for (const int64_t width : {base_width, base_width + kToken}) {
    for (const int64_t height : {base_height, base_height + kToken}) {
      if (width < kToken || height < kToken || width > most.width || height > most.height ||
          !fits(static_cast<double>(width), static_cast<double>(height))) {
        continue;
      }
      const Size size = {width, height};
      const double error = std::abs(std::log(shape(size) / shape(panel)));
      const bool larger = best && width * height > best->width * best->height;
      if (!best || error < best_error || (error == best_error && larger)) {
        best = size;
        best_error = error;
      }
    }
  }
  if (!best) fail_resolution(*resolution, static_cast<size_t>(grid.count()));
  return checked(grid_layout(grid, best->width, best->height, gutter));
}

Layout solve_strip(Strip strip, const std::vector<Size>& pictures, int64_t gutter,
                   std::optional<int64_t> resolution) {
  check_gutter(gutter, "The gutter");
  check_resolution(resolution);
  if (pictures.empty() || static_cast<int64_t>(pictures.size()) > kMostRows) {
    fail_input("A strip has 1 to {} panels, not {}.", kMostRows, pictures.size());
  }
  int64_t edge = kLargestCanvas;
  for (const Size& picture : pictures) {
    if (picture.width < kToken || picture.height < kToken) {
      fail_input("A picture of {}x{} pixels is smaller than the least panel, {}x{}.", picture.width,
                 picture.height, kToken, kToken);
    }
    edge = std::min(edge, strip == Strip::row ? picture.height : picture.width);
  }
  for (edge = floor_token(edge); edge >= kToken; edge -= kToken) {
    std::vector<Size> boxes;
    boxes.reserve(pictures.size());
    for (const Size& picture : pictures) boxes.push_back(strip_box(strip, picture, edge));
    Layout layout = strip_of(strip, boxes, gutter);
    if (layout.width > kLargestCanvas || layout.height > kLargestCanvas) {
      if (resolution) continue;
      fail_input("A strip of {}x{} pixels is larger than {} a side; state a resolution.",
                 layout.width, layout.height, kLargestCanvas);
    }
    if (within(layout, resolution)) return checked(std::move(layout));
  }
  fail_resolution(*resolution, pictures.size());
}

Layout solve_boxes(const Layout& stated, std::optional<int64_t> resolution) {
  check_resolution(resolution);
  const auto w = static_cast<double>(stated.width), h = static_cast<double>(stated.height);
  double scale = 1;
  if (resolution) scale = std::min(1.0, static_cast<double>(*resolution) / std::sqrt(w * h));
  Layout layout = stated;
  // A hair above the product, lest a whole number be rounded down to the one before.
  layout.width = floor_token(static_cast<int64_t>(w * scale + 1e-6));
  layout.height = floor_token(static_cast<int64_t>(h * scale + 1e-6));
  const auto snapped = [&](int64_t at, int64_t most) {
    return std::min(most, round_token(static_cast<double>(at) * scale));
  };
  for (size_t i = 0; i < layout.boxes.size(); ++i) {
    const Box& box = stated.boxes[i];
    const int64_t left = snapped(box.x, layout.width);
    const int64_t top = snapped(box.y, layout.height);
    layout.boxes[i] = {left, top, snapped(box.x + box.width, layout.width) - left,
                       snapped(box.y + box.height, layout.height) - top};
    if (layout.boxes[i].width < kToken || layout.boxes[i].height < kToken) {
      fail_input("Box {} of {}x{} pixels is too small: moved to multiples of {}, nothing is left.",
                 i + 1, box.width, box.height, kToken);
    }
  }
  return checked(std::move(layout));
}

}  // namespace iclora::panels
