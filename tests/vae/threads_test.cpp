#include <fmt/format.h>
#include <gtest/gtest.h>

#include "random_weights.h"
#include "tensors.h"
#include "vae/autoencoder.h"
#include "vae/tiling.h"

namespace iclora::vae {
namespace {

using testing_support::normal;
using testing_support::RandomWeights;
using testing_support::same_bytes_on_any_thread_count;

/// Odd and even channel counts: libtorch and the libraries below it take other ways for them, and
/// for maps of a few pixels.
struct Shape {
  const char* name;
  std::vector<int64_t> channels;
  int64_t latent_channels, layers, groups;
  bool quant_conv, attention;
};

const Shape kShapes[] = {
    {"odd", {5, 7, 9, 11}, 3, 1, 1, true, true},
    {"thirds", {3, 9, 15, 21}, 16, 2, 3, false, true},
    {"single", {1, 2, 3, 1}, 1, 1, 1, true, true},
    {"even", {2, 6, 10, 14}, 4, 1, 2, true, true},
    {"sixteens", {16, 32, 64, 128}, 16, 2, 16, false, true},
    {"mixed", {17, 34, 51, 85}, 16, 1, 17, true, true},
    {"shallow", {33, 33}, 5, 1, 3, false, true},
    {"wide", {32, 64, 128, 256}, 16, 1, 32, false, true},
    {"unattended", {13, 26, 39}, 7, 1, 13, true, false},
};

Config config_of(const Shape& shape) {
  Config config;
  config.block_out_channels = shape.channels;
  config.latent_channels = shape.latent_channels;
  config.layers_per_block = shape.layers;
  config.norm_num_groups = shape.groups;
  config.use_quant_conv = config.use_post_quant_conv = shape.quant_conv;
  config.mid_block_add_attention = shape.attention;
  return config;
}

class VaeThreads : public testing::TestWithParam<std::tuple<size_t, bool>> {
 protected:
  size_t index() const { return std::get<0>(GetParam()); }
  at::ScalarType dtype() const { return std::get<1>(GetParam()) ? at::kBFloat16 : at::kFloat; }
  Config config() const { return config_of(kShapes[index()]); }
};

TEST_P(VaeThreads, NeverChangeAByte) {
  RandomWeights source;
  const Encoder encoder = load_encoder(source, config(), dtype());
  const Decoder decoder = load_decoder(source, config(), dtype());
  const int64_t factor = config().downscale();
  // Every ninth of the sizes 1x1 to 9x9, so that the nine shapes cover them all.
  for (int64_t i = 0; i < 9; ++i) {
    const int64_t h = i + 1;
    const int64_t w = (i + static_cast<int64_t>(index())) % 9 + 1;
    const int64_t batch = i % 2 + 1;
    const std::string name = fmt::format("{} of {} x {}", batch, h, w);
    const at::Tensor z = normal({batch, config().latent_channels, h, w}, 1);
    EXPECT_TRUE(same_bytes_on_any_thread_count([&] { return decode(decoder, z); })) << name;
    const at::Tensor pixels = normal({batch, 3, h * factor, w * factor}, 2);
    EXPECT_TRUE(same_bytes_on_any_thread_count([&] { return encode(encoder, pixels).mean; }))
        << name;
  }
}

TEST_P(VaeThreads, NeverChangeAByteOfTiles) {
  RandomWeights source;
  const Decoder decoder = load_decoder(source, config(), dtype());
  const at::Tensor z = normal({1, config().latent_channels, 9, 13}, 3);
  EXPECT_TRUE(same_bytes_on_any_thread_count([&] {
    NoProgress progress;
    return decode_tiled(decoder, z, {.tile = 6, .overlap = 2, .threshold = 16}, progress);
  }));
}

INSTANTIATE_TEST_SUITE_P(Shapes, VaeThreads,
                         testing::Combine(testing::Range<size_t>(0, std::size(kShapes)),
                                          testing::Bool()),
                         [](const auto& one) {
                           return std::string(kShapes[std::get<0>(one.param)].name) +
                                  (std::get<1>(one.param) ? "_bf16" : "_fp32");
                         });

/// A map of many pieces, each of which sees rows of its neighbours, equals the map in one piece.
TEST(VaePieces, MeetWithoutASeam) {
  RandomWeights source;
  const Conv conv = load_conv(source, "conv", 6, 10, 3, at::kFloat);
  for (const auto& [h, w] : {std::pair{97, 61}, {64, 64}, {1, 5000}, {5000, 1}, {3, 2048}}) {
    const at::Tensor x = normal({2, 6, h, w}, 4).contiguous(at::MemoryFormat::ChannelsLast);
    // Sums of 54 products in another order: 1e-6 is a few units in the last place.
    EXPECT_LT(testing_support::relative_l2(conv_forward(conv, x),
                                           at::conv2d(x, conv.weight, conv.bias, 1, 1)),
              1e-6)
        << h << " x " << w;
    if (h < 2 || w < 2) continue;
    const at::Tensor padded = at::constant_pad_nd(x, {0, 1, 0, 1});
    EXPECT_LT(testing_support::relative_l2(downsample_forward(conv, x),
                                           at::conv2d(padded, conv.weight, conv.bias, 2)),
              1e-6)
        << h << " x " << w;
  }
}

}  // namespace
}  // namespace iclora::vae
