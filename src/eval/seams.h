#pragma once
// What happens at the borders between panels, in pixels alone.

#include "image/image.h"
#include "panels/layout.h"

namespace iclora::eval {

inline constexpr int64_t kSeamBand = 4;  ///< pixels on either side of a border

/// Energies are mean squared differences of neighbouring pixels across the border's direction
/// (left and right of a vertical border, above and below a horizontal one), over all channels of
/// pixels in 0..1.
struct SeamEnergy {
  double beside = 0;      ///< among the four pixels on each side of borders; no pair crosses one
  double across = 0;      ///< the step over the border itself: high where two pictures meet sharply
  double inside = 0;      ///< the same two directions in the rest of those panels
  bool measured = false;  ///< false without two panels that touch, or with panels below 16 pixels
};

/// `canvas` has the size of `layout`. Borders are where two boxes of the same row or column of the
/// grid touch.
SeamEnergy seam_energy(const image::Image& canvas, const panels::Layout& layout);

}  // namespace iclora::eval
