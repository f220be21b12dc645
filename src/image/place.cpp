#include "image/place.h"

#include <algorithm>

namespace iclora::image {

Image filled(int64_t width, int64_t height, Rgb colour) {
  Image out(width, height);
  for (size_t i = 0; i < out.rgb.size(); i += 3) {
    out.rgb[i] = colour.r;
    out.rgb[i + 1] = colour.g;
    out.rgb[i + 2] = colour.b;
  }
  return out;
}

void put(Image& canvas, const Image& picture, int64_t x, int64_t y) {
  for (int64_t row = 0; row < picture.height; ++row) {
    std::copy_n(picture.row(row), picture.width * 3, canvas.row(y + row) + x * 3);
  }
}

}  // namespace iclora::image
