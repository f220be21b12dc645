#pragma once
// Changing a picture's size.

#include "image/image.h"

namespace iclora::image {

/// Lanczos (three lobes) over the area that a new pixel covers, as Pillow's LANCZOS.
Image resize(const Image& picture, int64_t width, int64_t height);

/// The part [x, x + width) x [y, y + height), which must lie inside.
Image crop(const Image& picture, int64_t x, int64_t y, int64_t width, int64_t height);

/// Fills width x height without distortion, cutting what does not fit; the centre says which part
/// stays: (0.5, 0.5) the middle, (0, 0) the top left corner. As Pillow's ImageOps.fit; where
/// nothing needs scaling, pixels stay as they are.
Image fit_cover(const Image& picture, int64_t width, int64_t height, double centre_x = 0.5,
                double centre_y = 0.5);
/// All of the picture inside width x height, the rest `background`; the centre says where it lies.
Image fit_contain(const Image& picture, int64_t width, int64_t height, Rgb background = {},
                  double centre_x = 0.5, double centre_y = 0.5);

}  // namespace iclora::image
