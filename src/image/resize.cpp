#include "image/resize.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.h"
#include "image/place.h"

namespace iclora::image {
namespace {

double lanczos(double x) {
  if (x == 0) return 1;
  if (std::abs(x) >= 3) return 0;
  const double a = std::numbers::pi * x;
  return 3 * std::sin(a) * std::sin(a / 3) / (a * a);
}

/// Which old pixels make one new one, and how much of each.
struct Taps {
  int64_t first = 0;
  std::vector<float> weights;
};

/// `to` new pixels over [begin, end) of `from` old ones.
std::vector<Taps> taps_of(int64_t from, double begin, double end, int64_t to) {
  const double scale = (end - begin) / static_cast<double>(to);
  const double spread = std::max(scale, 1.0);
  const double reach = 3 * spread;
  std::vector<Taps> all;
  for (int64_t i = 0; i < to; ++i) {
    const double centre = begin + (static_cast<double>(i) + 0.5) * scale;
    Taps taps;
    taps.first = std::max<int64_t>(0, static_cast<int64_t>(std::floor(centre - reach + 0.5)));
    const int64_t last = std::min(from, static_cast<int64_t>(std::floor(centre + reach + 0.5)));
    double sum = 0;
    for (int64_t x = taps.first; x < last; ++x) {
      const double weight = lanczos((static_cast<double>(x) - centre + 0.5) / spread);
      taps.weights.push_back(static_cast<float>(weight));
      sum += weight;
    }
    for (float& weight : taps.weights) weight = static_cast<float>(weight / sum);
    all.push_back(std::move(taps));
  }
  return all;
}

uint8_t to_byte(float value) {
  return static_cast<uint8_t>(std::clamp(std::lround(value), 0L, 255L));
}

/// The part of a picture that a new one is made of, in fractions of pixels.
struct Part {
  double left, top, right, bottom;
};

Image resize_part(const Image& picture, const Part& part, int64_t width, int64_t height) {
  const std::vector<Taps> columns = taps_of(picture.width, part.left, part.right, width);
  const std::vector<Taps> rows = taps_of(picture.height, part.top, part.bottom, height);
  const int64_t first = rows.front().first;
  const int64_t last = rows.back().first + static_cast<int64_t>(rows.back().weights.size());
  Image wide(width, last - first);
  for (int64_t y = 0; y < wide.height; ++y) {
    uint8_t* to = wide.row(y);
    for (const Taps& taps : columns) {
      float sum[3] = {0, 0, 0};
      const uint8_t* from = picture.row(first + y) + taps.first * 3;
      for (const float weight : taps.weights) {
        for (int c = 0; c < 3; ++c) sum[c] += weight * static_cast<float>(from[c]);
        from += 3;
      }
      for (int c = 0; c < 3; ++c) *to++ = to_byte(sum[c]);
    }
  }
  Image out(width, height);
  std::vector<float> sums(static_cast<size_t>(width) * 3);
  for (int64_t y = 0; y < height; ++y) {
    std::fill(sums.begin(), sums.end(), 0.0F);
    int64_t from = rows[static_cast<size_t>(y)].first - first;
    for (const float weight : rows[static_cast<size_t>(y)].weights) {
      const uint8_t* row = wide.row(from++);
      for (size_t i = 0; i < sums.size(); ++i) sums[i] += weight * static_cast<float>(row[i]);
    }
    for (size_t i = 0; i < sums.size(); ++i) out.row(y)[i] = to_byte(sums[i]);
  }
  return out;
}

void check_sizes(const Image& picture, int64_t width, int64_t height) {
  if (picture.width < 1 || picture.height < 1 || width < 1 || height < 1 || width > kMaximumSide ||
      height > kMaximumSide) {
    fail(ErrorKind::internal, "resize: {} x {} to {} x {}.", picture.width, picture.height, width,
         height);
  }
}

double in_unit(double centre) {
  return std::isfinite(centre) ? std::clamp(centre, 0.0, 1.0) : 0.5;
}

}  // namespace

Image resize(const Image& picture, int64_t width, int64_t height) {
  check_sizes(picture, width, height);
  if (width == picture.width && height == picture.height) return picture;
  return resize_part(
      picture, {0, 0, static_cast<double>(picture.width), static_cast<double>(picture.height)},
      width, height);
}

Image crop(const Image& picture, int64_t x, int64_t y, int64_t width, int64_t height) {
  if (x < 0 || y < 0 || width < 1 || height < 1 || x + width > picture.width ||
      y + height > picture.height) {
    fail(ErrorKind::internal, "crop: {} x {} at ({}, {}) of {} x {}.", width, height, x, y,
         picture.width, picture.height);
  }
  Image out(width, height);
  for (int64_t row = 0; row < height; ++row) {
    std::copy_n(picture.row(y + row) + x * 3, width * 3, out.row(row));
  }
  return out;
}

Image fit_cover(const Image& picture, int64_t width, int64_t height, double centre_x,
                double centre_y) {
  check_sizes(picture, width, height);
  const auto from_width = static_cast<double>(picture.width);
  const auto from_height = static_cast<double>(picture.height);
  const double wanted = static_cast<double>(width) / static_cast<double>(height);
  const double part_width = std::min(from_width, from_height * wanted);
  const double part_height = std::min(from_height, from_width / wanted);
  const double left = (from_width - part_width) * in_unit(centre_x);
  const double top = (from_height - part_height) * in_unit(centre_y);
  if (part_width == static_cast<double>(width) && part_height == static_cast<double>(height) &&
      left == std::floor(left) && top == std::floor(top)) {
    return crop(picture, static_cast<int64_t>(left), static_cast<int64_t>(top), width, height);
  }
  return resize_part(picture, {left, top, left + part_width, top + part_height}, width, height);
}

Image fit_contain(const Image& picture, int64_t width, int64_t height, Rgb background,
                  double centre_x, double centre_y) {
  check_sizes(picture, width, height);
  const double scale = std::min(static_cast<double>(width) / static_cast<double>(picture.width),
                                static_cast<double>(height) / static_cast<double>(picture.height));
  const auto side = [&](int64_t old, int64_t most) {
    return std::clamp<int64_t>(std::llrint(static_cast<double>(old) * scale), 1, most);
  };
  const Image inner = resize(picture, side(picture.width, width), side(picture.height, height));
  Image out = filled(width, height, background);
  const auto offset = [](int64_t free, double centre) {
    return std::llrint(static_cast<double>(free) * in_unit(centre));
  };
  put(out, inner, offset(width - inner.width, centre_x), offset(height - inner.height, centre_y));
  return out;
}

}  // namespace iclora::image
