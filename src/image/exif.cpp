#include "image/source.h"

namespace iclora::image {
namespace {

/// Reads numbers of either byte order; 0 beyond the end.
class Tiff {
 public:
  explicit Tiff(std::string_view bytes) : bytes_(bytes), big_(bytes.starts_with("MM")) {}
  uint32_t number(size_t at, size_t count) const {
    if (at > bytes_.size() || bytes_.size() - at < count) return 0;
    uint32_t value = 0;
    for (size_t i = 0; i < count; ++i) {
      const size_t place = big_ ? i : count - 1 - i;
      value = value << 8 | static_cast<unsigned char>(bytes_[at + place]);
    }
    return value;
  }

 private:
  std::string_view bytes_;
  bool big_;
};

}  // namespace

int exif_orientation(std::string_view tiff) {
  if (tiff.size() < 8 || (!tiff.starts_with("II") && !tiff.starts_with("MM"))) return 1;
  const Tiff data(tiff);
  if (data.number(2, 2) != 42) return 1;
  const size_t directory = data.number(4, 4);
  const uint32_t entries = data.number(directory, 2);
  for (uint32_t i = 0; i < entries && i < 1000; ++i) {
    const size_t entry = directory + 2 + size_t{12} * i;
    if (data.number(entry, 2) != 0x0112) continue;
    const uint32_t kind = data.number(entry + 2, 2);  // 3: SHORT, 4: LONG
    const uint32_t value = data.number(entry + 8, kind == 4 ? 4 : 2);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

Image upright(Image picture, int orientation) {
  if (orientation < 2 || orientation > 8) return picture;
  const bool swapped = orientation >= 5;
  Image out(swapped ? picture.height : picture.width, swapped ? picture.width : picture.height);
  for (int64_t y = 0; y < out.height; ++y) {
    for (int64_t x = 0; x < out.width; ++x) {
      int64_t from_x = swapped ? y : x;
      int64_t from_y = swapped ? x : y;
      // 2, 3: mirrored left-right; 3, 4: upside down; 5 to 8 the same of the transposed picture.
      if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8) {
        from_x = picture.width - 1 - from_x;
      }
      if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7) {
        from_y = picture.height - 1 - from_y;
      }
      const uint8_t* from = picture.row(from_y) + from_x * 3;
      uint8_t* to = out.row(y) + x * 3;
      to[0] = from[0];
      to[1] = from[1];
      to[2] = from[2];
    }
  }
  return out;
}

}  // namespace iclora::image
