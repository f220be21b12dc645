#pragma once
// Decoding a large canvas in tiles, so that memory stays that of one tile.

#include <ATen/core/Tensor.h>

#include "core/progress.h"
#include "vae/autoencoder.h"

namespace iclora::vae {

/// In latent pixels. Neighbouring tiles share `overlap`, over whose middle they are blended
/// linearly: what lies at a tile's edge is left out, since the canvas beyond is missing there.
struct Tiling {
  int64_t tile = 128;             ///< edge of a tile: 1024 px
  int64_t overlap = 32;           ///< 256 px; at least 12 of the 32 are out of the edge's reach
  int64_t threshold = 192 * 192;  ///< canvases of at most this many latent pixels are decoded whole
};

/// As decode(), one canvas of the batch after the other, in tiles where they are above the
/// threshold. The middle block sees the whole canvas. Norms are the same in all tiles, measured
/// over a sample of the whole canvas of a tile's size, so that tiles do not differ where they meet;
/// what remains is the error of that sample, which tests/vae states.
at::Tensor decode_tiled(const Decoder& decoder, const at::Tensor& z, const Tiling& tiling,
                        Progress& progress);

}  // namespace iclora::vae
