#pragma once
// Changing a picture's size.

#include "image/image.h"

namespace iclora::image {

/// Lanczos (three lobes) over the area that a new pixel covers, as Pillow's LANCZOS.
Image resize(const Image& picture, int64_t width, int64_t height);

/// The part [x, x + width) x [y, y + height), which must lie inside.
Image crop(const Image& picture, int64_t x, int64_t y, int64_t width, int64_t height);

/// Fills width x height without distortion, cutting what does not fit; (0.5, 0.5) keeps the centre,
/// (0, 0) the top left corner.
Image fit_cover(const Image& picture, int64_t width, int64_t height, double centre_x = 0.5,
                double centre_y = 0.5);
/// All of the picture inside width x height, the rest `background`.
Image fit_contain(const Image& picture, int64_t width, int64_t height, Rgb background = {});

}  // namespace iclora::image
