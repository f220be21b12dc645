#pragma once
// Latents as the VAE has them, [B, 16, h, w], and as the transformer sees them: tokens of 2 x 2
// latent pixels, [B, h/2 * w/2, 64], in reading order.

#include <ATen/core/Tensor.h>

namespace iclora::flux {

/// [B, C, h, w] -> [B, h/2 * w/2, 4 C]; a token holds channel by channel its 2 x 2 pixels.
at::Tensor pack_latents(const at::Tensor& latents);
/// The way back; h and w in latent pixels.
at::Tensor unpack_latents(const at::Tensor& packed, int64_t h, int64_t w);

/// Position ids (0, row, column) of the image tokens, in packed units: fp32 [h/2 * w/2, 3].
at::Tensor image_ids(int64_t h, int64_t w);
/// Position ids of the text tokens, all zero: fp32 [length, 3].
at::Tensor text_ids(int64_t length);

}  // namespace iclora::flux
