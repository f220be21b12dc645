#pragma once
// Canvases of one colour, and pictures put on them.

#include "image/image.h"

namespace iclora::image {

Image filled(int64_t width, int64_t height, Rgb colour);

/// Copies `picture` onto `canvas`, its top left corner at (x, y). It must fit (not checked: the
/// caller laid it out).
void put(Image& canvas, const Image& picture, int64_t x, int64_t y);

}  // namespace iclora::image
