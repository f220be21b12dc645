#pragma once
// From latents to a picture.

#include <ATen/core/Tensor.h>

#include "core/progress.h"
#include "image/image.h"
#include "panels/layout.h"
#include "sampling/method.h"
#include "vae/autoencoder.h"

namespace iclora::sampling {

/// latents: fp32 [1, C, h, w] of a canvas, in the transformer's scale. Under canvas the autoencoder
/// sees all of it; under gdt each panel alone, as each was made and as each was encoded in
/// training, and between panels the picture is black as the canvases that sets are laid out on.
/// Error (exit 7) when the pixels are not finite.
image::Image decode_canvas(const vae::Decoder& decoder, const at::Tensor& latents,
                           const panels::Layout& layout, Method method, Progress& progress);

/// 8 bits -> fp32 [1, 3, H, W] in -1..1.
at::Tensor pixels_of(const image::Image& picture);

/// fp32 [1, 3, H, W] in -1..1 -> 8 bits: round_half_even(clamp(x / 2 + 0.5, 0, 1) * 255).
image::Image to_image(const at::Tensor& pixels);

}  // namespace iclora::sampling
