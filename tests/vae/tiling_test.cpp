#include "vae/tiling.h"

#include <gtest/gtest.h>

#include "fixtures.h"
#include "tensors.h"

namespace iclora::vae {
namespace {

using testing_support::normal;
using testing_support::relative_l2;
using testing_support::same_bytes_on_any_thread_count;

Decoder toy_decoder(at::ScalarType dtype) {
  const std::string folder = ICLORA_FIXTURES "/models/toy-dev/vae";
  runtime::FileWeights source(weights::Checkpoint::open(folder));
  return load_decoder(source, config_from_json(read_json(folder + "/config.json"), "config.json"),
                      dtype);
}

at::Tensor tiled(const Decoder& decoder, const at::Tensor& z, const Tiling& tiling) {
  NoProgress progress;
  return decode_tiled(decoder, z, tiling, progress);
}

/// Latents that differ from place to place, as a storyboard's do: broad shapes under a texture that
/// grows from left to right.
at::Tensor uneven(int64_t h, int64_t w) {
  const at::Tensor shapes =
      at::upsample_bilinear2d(normal({1, 16, h / 8, w / 8}, 1), {h, w}, /*align_corners=*/false);
  const at::Tensor texture = normal({1, 16, h, w}, 2) * at::linspace(0.1, 0.8, w);
  return shapes * 1.5 + texture;
}

/// The mean step between neighbouring columns, at its largest: a seam would stand out.
double largest_step(const at::Tensor& x) {
  return x.diff(1, 3).abs().mean({0, 1, 2}).max().item<double>();
}

// The norms of the tiles are measured over a sample of the canvas. Where the sample is all of it,
// what is left is how far a tile's edge is felt, a quarter of the overlap inside: measured 1.1e-4.
TEST(Tiling, IsTheWholeDecodeWhereTheSampleIsTheWholeCanvas) {
  const Decoder decoder = toy_decoder(at::kFloat);
  const at::Tensor z = uneven(24, 56);
  EXPECT_LT(relative_l2(tiled(decoder, z, {.tile = 40, .overlap = 16, .threshold = 1}),
                        decode(decoder, z)),
            5e-4);
}

// The sample is a third of the canvas here. Measured: 0.027 where the canvas is alike everywhere
// and 0.040 where it is not (normalised tile by tile, such a canvas came out 0.26 away, in this
// decoder of random weights); the largest step 1.007 of the whole's.
TEST(Tiling, IsCloseToTheWholeAndHasNoSeams) {
  const Decoder decoder = toy_decoder(at::kFloat);
  const Tiling tiling = {.tile = 32, .overlap = 14, .threshold = 1};
  const at::Tensor even_z = normal({1, 16, 48, 64}, 1);
  const at::Tensor even = decode(decoder, even_z);
  const at::Tensor even_tiled = tiled(decoder, even_z, tiling);
  EXPECT_LT(relative_l2(even_tiled, even), 0.06);
  EXPECT_LT(largest_step(even_tiled), 1.02 * largest_step(even));

  const at::Tensor uneven_z = uneven(48, 64);
  const at::Tensor whole = decode(decoder, uneven_z);
  EXPECT_LT(relative_l2(tiled(decoder, uneven_z, tiling), whole), 0.06);
}

TEST(Tiling, UpToTheThresholdNothingIsTiled) {
  const Decoder decoder = toy_decoder(at::kFloat);
  const at::Tensor z = normal({1, 16, 20, 18}, 1);
  EXPECT_TRUE(at::equal(tiled(decoder, z, {.tile = 12, .overlap = 4, .threshold = 20 * 18}),
                        decode(decoder, z)));
}

// Lengths that divide into tiles evenly, barely and not at all; thinner than a tile.
TEST(Tiling, CoversEveryPixelOnce) {
  Decoder decoder = toy_decoder(at::kFloat);
  // A decoder that paints every pixel alike: what is not 0.5 was covered too little or too much.
  decoder.conv_out.weight = at::zeros_like(decoder.conv_out.weight);
  decoder.conv_out.bias = at::full_like(decoder.conv_out.bias, 0.5);
  for (const int64_t length : {9, 11, 12, 19, 20, 33}) {
    const at::Tensor pixels =
        tiled(decoder, normal({1, 16, 7, length}, 1), {.tile = 11, .overlap = 3, .threshold = 1});
    EXPECT_EQ(pixels.sizes(), (std::vector<int64_t>{1, 3, 56, 8 * length}));
    EXPECT_LT((pixels - 0.5).abs().max().item<double>(), 1e-6) << length;
  }
}

TEST(Tiling, CanvasesOfABatchDoNotTouchOneAnother) {
  const Decoder decoder = toy_decoder(at::kFloat);
  const Tiling tiling = {.tile = 12, .overlap = 4, .threshold = 1};
  const at::Tensor z = at::cat({normal({1, 16, 14, 18}, 1), uneven(16, 18).slice(2, 0, 14)});
  const at::Tensor both = tiled(decoder, z, tiling);
  EXPECT_TRUE(at::equal(both.narrow(0, 1, 1), tiled(decoder, z.narrow(0, 1, 1), tiling)));
}

TEST(Tiling, ReportsEachTileAndStopsWhenToldTo) {
  struct Stop final : Progress {
    void report(const ProgressEvent& event) override {
      EXPECT_EQ(event.phase, "decoding");
      EXPECT_EQ(event.total, 5);  // the sample and 2 x 2 tiles
      last = event.step;
    }
    bool cancelled() const override { return last == 3; }
    int64_t last = 0;
  } stop;
  EXPECT_THROW(decode_tiled(toy_decoder(at::kFloat), normal({1, 16, 12, 12}, 1),
                            {.tile = 8, .overlap = 2, .threshold = 1}, stop),
               Cancelled);
  EXPECT_EQ(stop.last, 3);
}

TEST(Tiling, ThreadsNeverChangeABit) {
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    const Decoder decoder = toy_decoder(dtype);
    const at::Tensor z = normal({1, 16, 20, 13}, 1);
    EXPECT_TRUE(same_bytes_on_any_thread_count(
        [&] { return tiled(decoder, z, {.tile = 12, .overlap = 4, .threshold = 1}); }));
  }
}

}  // namespace
}  // namespace iclora::vae
