#pragma once
// Decoding a large canvas in tiles, so that memory stays that of one tile.

#include <ATen/core/Tensor.h>

#include "core/progress.h"
#include "vae/autoencoder.h"

namespace iclora::vae {

/// In latent pixels. Neighbouring tiles share `overlap`, over which they are blended linearly.
struct Tiling {
  int64_t tile = 128;             ///< edge of a tile: 1024 px
  int64_t overlap = 32;           ///< 256 px
  int64_t threshold = 192 * 192;  ///< canvases of at most this many latent pixels are decoded whole
};

/// As decode(), in tiles where the canvas is above the threshold. The autoencoder's attention and
/// group norms see one tile only, so tiles differ slightly from the whole; tests state the error.
at::Tensor decode_tiled(const Decoder& decoder, const at::Tensor& z, const Tiling& tiling,
                        Progress& progress);

}  // namespace iclora::vae
