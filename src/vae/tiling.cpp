#include "vae/tiling.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace iclora::vae {
namespace {

/// One tile's place along an axis, and its share in each pixel of its extent.
struct Span {
  int64_t start;     ///< in latent pixels
  at::Tensor share;  ///< fp32 [tile * factor]; those of all tiles add up to 1
};

/// Tiles of one size that cover `length`, evenly overlapping by at least `overlap`.
std::vector<Span> spans_over(int64_t length, int64_t tile, int64_t overlap, int64_t factor) {
  const int64_t stride = tile - overlap;
  const int64_t count = length <= tile ? 1 : (length - overlap + stride - 1) / stride;
  // The outer quarters of the overlap are left to the neighbour alone.
  const double margin = static_cast<double>(overlap * factor) / 4;
  const at::Tensor from_start = (at::arange(tile * factor, at::kFloat) + 0.5 - margin) /
                                (static_cast<double>(overlap * factor) - 2 * margin);
  std::vector<Span> spans;
  at::Tensor total = at::zeros({length * factor}, at::kFloat);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t start = count == 1 ? 0 : (length - tile) * i / (count - 1);
    at::Tensor share = at::ones({tile * factor}, at::kFloat);
    if (i > 0) share = at::minimum(share, from_start);
    if (i + 1 < count) share = at::minimum(share, from_start.flip(0));
    share = share.clamp_min(0);
    total.slice(0, start * factor, (start + tile) * factor).add_(share);
    spans.push_back({start, share});
  }
  for (Span& span : spans) {
    span.share = span.share / total.slice(0, span.start * factor, (span.start + tile) * factor);
  }
  return spans;
}

/// Rows or columns for a sample: pairs of neighbours, every `stride`-th pair. (Measured on unevenly
/// filled canvases: single rows lose what neighbours have in common, longer blocks miss places.)
at::Tensor sampled(int64_t length, int64_t stride) {
  if (stride == 1) return at::arange(length, at::kLong);
  constexpr int64_t block = 2;
  const int64_t count = std::max<int64_t>(1, length / (block * stride));
  const int64_t extent = std::min(block, length);
  const int64_t first = std::max<int64_t>(0, (length - (count - 1) * stride * block - extent) / 2);
  const at::Tensor starts = at::arange(count, at::kLong) * (stride * block) + first;
  return (starts.unsqueeze(1) + at::arange(extent, at::kLong)).flatten();
}

at::Tensor sample_of(const at::Tensor& map, int64_t largest_area) {
  const auto area = static_cast<double>(map.size(2) * map.size(3));
  const auto stride =
      static_cast<int64_t>(std::ceil(std::sqrt(area / static_cast<double>(largest_area))));
  return map.index_select(2, sampled(map.size(2), stride))
      .index_select(3, sampled(map.size(3), stride));
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
  const auto rows = spans_over(h, tile_h, tiling.overlap, factor);
  const auto columns = spans_over(w, tile_w, tiling.overlap, factor);
  const auto total = static_cast<int64_t>(z.size(0) * (rows.size() * columns.size() + 1));
  int64_t done = 0;
  const auto report = [&] {
    progress.report({.phase = "decoding", .step = ++done, .total = total, .loss = {}});
    check_cancelled(progress);
  };
  at::Tensor pixels =
      at::zeros({z.size(0), 3, h * factor, w * factor}, z.options().dtype(at::kFloat));
  for (int64_t b = 0; b < z.size(0); ++b) {
    const at::Tensor middle = decode_middle(decoder, z.narrow(0, b, 1));
    NormTape tape;
    decode_pixels(decoder, sample_of(middle, tiling.tile * tiling.tile), &tape);
    tape.replay = true;
    report();
    for (const Span& row : rows) {
      for (const Span& column : columns) {
        tape.next = 0;
        const at::Tensor tile = decode_pixels(
            decoder, middle.narrow(2, row.start, tile_h).narrow(3, column.start, tile_w), &tape);
        pixels.narrow(0, b, 1)
            .narrow(2, row.start * factor, tile_h * factor)
            .narrow(3, column.start * factor, tile_w * factor)
            .addcmul_(tile, at::outer(row.share, column.share).to(tile.device()));
        report();
      }
    }
  }
  return pixels;
}

}  // namespace iclora::vae
