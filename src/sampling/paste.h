#pragma once
// Given panels on the finished canvas: pasted over what the autoencoder makes of them, and how far
// the two are apart.

#include <cstdint>
#include <vector>

#include "image/image.h"
#include "panels/layout.h"
#include "sampling/given_pictures.h"

namespace iclora::sampling {

/// Of one given panel; mean absolute differences of 8-bit values (0 to 255) between its picture and
/// its drawing by the autoencoder.
struct GivenResult {
  int64_t panel = 0;   ///< from 1
  double decoded = 0;  ///< over the whole panel
  /// Along the borders to other panels: the step that pasting puts into a picture that the model
  /// drew without it.
  double seam = 0;
};

/// `canvas`: as decoded.
std::vector<GivenResult> measure_given(const image::Image& canvas, const panels::Layout& layout,
                                       const std::vector<GivenPanel>& panels);

/// Puts the given pictures, pixel by pixel, into their panels.
void paste_given(image::Image& canvas, const panels::Layout& layout,
                 const std::vector<GivenPanel>& panels);

}  // namespace iclora::sampling
