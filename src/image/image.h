#pragma once
// A picture in memory: 8-bit sRGB, three channels, rows from the top, no padding.

#include <cstdint>
#include <string>
#include <vector>

namespace iclora::image {

struct Image {
  int64_t width = 0;
  int64_t height = 0;
  std::vector<uint8_t> rgb;  ///< width * height * 3

  Image() = default;
  Image(int64_t w, int64_t h) : width(w), height(h), rgb(static_cast<size_t>(w * h * 3)) {}
  uint8_t* row(int64_t y) { return rgb.data() + y * width * 3; }
  const uint8_t* row(int64_t y) const { return rgb.data() + y * width * 3; }
  bool operator==(const Image&) const = default;
};

struct Rgb {
  uint8_t r = 255, g = 255, b = 255;
};

// What is refused before anything is allocated.
inline constexpr int64_t kMaximumPixels = int64_t{64} << 20;
inline constexpr int64_t kMaximumSide = 16384;
inline constexpr uint64_t kMaximumFileBytes = uint64_t{64} << 20;
inline constexpr int64_t kMaximumRatio = 200;
inline constexpr uint64_t kMaximumTextBytes = uint64_t{1} << 20;  ///< of one inflated text chunk

/// Throws (exit 2) unless a picture of this size may be read; names `origin` and the limit.
void check_size(uint64_t width, uint64_t height, const std::string& origin);

}  // namespace iclora::image
