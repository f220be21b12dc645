#include "vae/tiling.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/error.h"

namespace iclora::vae {
namespace {

/// Starts of tiles that cover `length`, all of the same size, evenly overlapping by at least
/// `overlap`.
std::vector<int64_t> tile_starts(int64_t length, int64_t tile, int64_t overlap) {
  if (length <= tile) return {0};
  const int64_t stride = tile - overlap;
  const int64_t count = (length - overlap + stride - 1) / stride;
  std::vector<int64_t> starts;
  for (int64_t i = 0; i < count; ++i) starts.push_back((length - tile) * i / (count - 1));
  return starts;
}

/// Weights over one tile's pixels: rising over the overlap with the tile before, falling over that
/// with the tile after, so that neighbours always add up to one after normalisation.
at::Tensor ramp(const std::vector<int64_t>& starts, size_t index, int64_t size, int64_t factor) {
  at::Tensor weights = at::ones({size * factor}, at::kFloat);
  auto* out = weights.data_ptr<float>();
  if (index > 0) {
    const int64_t shared = (starts[index - 1] + size - starts[index]) * factor;
    for (int64_t i = 0; i < shared; ++i) {
      out[i] = (static_cast<float>(i) + 0.5F) / static_cast<float>(shared);
    }
  }
  if (index + 1 < starts.size()) {
    const int64_t shared = (starts[index] + size - starts[index + 1]) * factor;
    for (int64_t i = 0; i < shared; ++i) {
      out[size * factor - 1 - i] = std::min(
          out[size * factor - 1 - i], (static_cast<float>(i) + 0.5F) / static_cast<float>(shared));
    }
  }
  return weights;
}

}  // namespace

at::Tensor decode_tiled(const Decoder& decoder, const at::Tensor& z, const Tiling& tiling,
                        Progress& progress) {
  const int64_t h = z.size(2);
  const int64_t w = z.size(3);
  if (tiling.tile <= 2 * tiling.overlap || tiling.overlap < 1) {
    fail(ErrorKind::internal, "decode_tiled: tiles of {} cannot overlap by {}.", tiling.tile,
         tiling.overlap);
  }
  if (h * w <= tiling.threshold) return decode(decoder, z);

  const int64_t factor = decoder.config.downscale();
  const int64_t tile_h = std::min(h, tiling.tile);
  const int64_t tile_w = std::min(w, tiling.tile);
  const auto rows = tile_starts(h, tile_h, tiling.overlap);
  const auto columns = tile_starts(w, tile_w, tiling.overlap);
  at::Tensor sum = at::zeros({z.size(0), 3, h * factor, w * factor}, at::kFloat);
  at::Tensor weight = at::zeros({1, 1, h * factor, w * factor}, at::kFloat);
  const auto total = static_cast<int64_t>(rows.size() * columns.size());
  int64_t done = 0;
  for (size_t row = 0; row < rows.size(); ++row) {
    for (size_t column = 0; column < columns.size(); ++column) {
      check_cancelled(progress);
      const at::Tensor tile =
          decode(decoder, z.slice(2, rows[row], rows[row] + tile_h)
                              .slice(3, columns[column], columns[column] + tile_w));
      const at::Tensor mask =
          at::outer(ramp(rows, row, tile_h, factor), ramp(columns, column, tile_w, factor));
      const auto window = [&](at::Tensor& whole) {
        return whole.slice(2, rows[row] * factor, (rows[row] + tile_h) * factor)
            .slice(3, columns[column] * factor, (columns[column] + tile_w) * factor);
      };
      window(sum).add_(tile * mask);
      window(weight).add_(mask);
      progress.report({.phase = "decoding", .step = ++done, .total = total, .loss = {}});
    }
  }
  return sum.div_(weight);
}

}  // namespace iclora::vae
