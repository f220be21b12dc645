#include "image/resize.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.h"

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

std::vector<Taps> taps_of(int64_t from, int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double spread = std::max(scale, 1.0);
  const double reach = 3 * spread;
  std::vector<Taps> all;
  for (int64_t i = 0; i < to; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale;
    Taps taps;
    taps.first = std::max<int64_t>(0, static_cast<int64_t>(centre - reach + 0.5));
    const int64_t last = std::min(from, static_cast<int64_t>(centre + reach + 0.5));
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

}  // namespace

Image resize(const Image& picture, int64_t width, int64_t height) {
  if (width < 1 || height < 1) fail(ErrorKind::internal, "resize: to {} x {}.", width, height);
  if (width == picture.width && height == picture.height) return picture;
  Image wide(width, picture.height);
  const std::vector<Taps> columns = taps_of(picture.width, width);
  for (int64_t y = 0; y < picture.height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      float sum[3] = {0, 0, 0};
      const uint8_t* from = picture.row(y) + columns[static_cast<size_t>(x)].first * 3;
      for (const float weight : columns[static_cast<size_t>(x)].weights) {
        for (int c = 0; c < 3; ++c) sum[c] += weight * static_cast<float>(from[c]);
        from += 3;
      }
      for (int c = 0; c < 3; ++c) wide.row(y)[x * 3 + c] = to_byte(sum[c]);
    }
  }
  Image out(width, height);
  const std::vector<Taps> rows = taps_of(picture.height, height);
  std::vector<float> sums(static_cast<size_t>(width) * 3);
  for (int64_t y = 0; y < height; ++y) {
    std::fill(sums.begin(), sums.end(), 0.0F);
    int64_t from = rows[static_cast<size_t>(y)].first;
    for (const float weight : rows[static_cast<size_t>(y)].weights) {
      const uint8_t* row = wide.row(from++);
      for (size_t i = 0; i < sums.size(); ++i) sums[i] += weight * static_cast<float>(row[i]);
    }
    for (size_t i = 0; i < sums.size(); ++i) out.row(y)[i] = to_byte(sums[i]);
  }
  return out;
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
  const double scale = std::max(static_cast<double>(width) / static_cast<double>(picture.width),
                                static_cast<double>(height) / static_cast<double>(picture.height));
  const auto part = [&](int64_t wanted, int64_t available) {
    return std::clamp<int64_t>(std::lround(static_cast<double>(wanted) / scale), 1, available);
  };
  const int64_t w = part(width, picture.width);
  const int64_t h = part(height, picture.height);
  const auto offset = [](int64_t free, double centre) {
    return std::clamp<int64_t>(std::lround(static_cast<double>(free) * centre), 0, free);
  };
  return resize(crop(picture, offset(picture.width - w, centre_x),
                     offset(picture.height - h, centre_y), w, h),
                width, height);
}

Image fit_contain(const Image& picture, int64_t width, int64_t height, Rgb background) {
  const double scale = std::min(static_cast<double>(width) / static_cast<double>(picture.width),
                                static_cast<double>(height) / static_cast<double>(picture.height));
  const auto side = [&](int64_t old, int64_t most) {
    return std::clamp<int64_t>(std::lround(static_cast<double>(old) * scale), 1, most);
  };
  const Image inner = resize(picture, side(picture.width, width), side(picture.height, height));
  Image out(width, height);
  for (size_t i = 0; i < out.rgb.size(); i += 3) {
    out.rgb[i] = background.r;
    out.rgb[i + 1] = background.g;
    out.rgb[i + 2] = background.b;
  }
  const int64_t left = (width - inner.width) / 2;
  const int64_t top = (height - inner.height) / 2;
  for (int64_t y = 0; y < inner.height; ++y) {
    std::copy_n(inner.row(y), inner.width * 3, out.row(top + y) + left * 3);
  }
  return out;
}

}  // namespace iclora::image
