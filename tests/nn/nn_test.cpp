#include <gtest/gtest.h>

#include <cmath>

#include "nn/attention.h"
#include "nn/elementwise.h"
#include "nn/linear.h"
#include "nn/norm.h"
#include "nn/rope.h"
#include "tensors.h"

namespace iclora::nn {
namespace {

using testing_support::normal;
using testing_support::relative_l2;
using testing_support::same_bytes_on_any_thread_count;

// fp32 against the same formula in fp64: a few roundings of 6e-8 each, over sums of 48 elements.
constexpr double kFloatTolerance = 2e-6;

Linear make_linear(int64_t in, int64_t out) {
  Linear layer;
  layer.name = "layer";
  layer.weight = normal({out, in}, 1);
  layer.bias = normal({out}, 2);
  return layer;
}

TEST(Linear, SeveralAdaptersAddUpWithTheirScales) {
  Linear layer = make_linear(48, 32);
  const at::Tensor x = normal({2, 5, 48}, 3);
  at::Tensor merged = layer.weight.to(at::kDouble);
  for (const auto& [rank, scale, seed] : {std::tuple{4, 0.5, 10}, std::tuple{7, -1.25, 20}}) {
    const LoraPair pair = {normal({rank, 48}, seed), normal({32, rank}, seed + 1), scale};
    merged = merged + at::matmul(pair.b.to(at::kDouble), pair.a.to(at::kDouble)) * scale;
    layer.adapters.push_back(pair);
  }
  const at::Tensor expected =
      at::matmul(x.to(at::kDouble), merged.t()) + layer.bias.to(at::kDouble);
  EXPECT_LT(relative_l2(linear_forward(layer, x), expected), kFloatTolerance);
}

TEST(Linear, AnAdapterOfStrengthZeroLeavesTheBytes) {
  Linear layer = make_linear(48, 32);
  const at::Tensor x = normal({3, 48}, 3);
  const at::Tensor plain = linear_forward(layer, x);
  layer.adapters.push_back({normal({4, 48}, 4), normal({32, 4}, 5), 0.0});
  EXPECT_TRUE(at::equal(linear_forward(layer, x), plain));
}

TEST(Norm, LayerNormModulateIsItsFormula) {
  const at::Tensor x = normal({2, 5, 48}, 1) * 3 + 1;
  const at::Tensor shift = normal({2, 1, 48}, 2);
  const at::Tensor scale = normal({2, 1, 48}, 3);
  const at::Tensor wide = x.to(at::kDouble);
  const at::Tensor mean = wide.mean(-1, true);
  const at::Tensor variance = (wide - mean).square().mean(-1, true);
  const at::Tensor expected = (wide - mean) / at::sqrt(variance + 1e-6) * (scale + 1) + shift;
  EXPECT_LT(relative_l2(layer_norm_modulate_forward(x, shift, scale, 1e-6), expected),
            kFloatTolerance);
}

TEST(Norm, RmsNormIsItsFormula) {
  const at::Tensor x = normal({2, 5, 3, 16}, 1) * 3;
  const at::Tensor weight = normal({16}, 2);
  const at::Tensor wide = x.to(at::kDouble);
  const at::Tensor expected =
      wide / at::sqrt(wide.square().mean(-1, true) + 1e-6) * weight.to(at::kDouble);
  EXPECT_LT(relative_l2(rms_norm_forward(x, weight, 1e-6), expected), kFloatTolerance);
}

TEST(Rope, TurnsNeighbouringPairsByTheirAxis) {
  const at::Tensor ids = at::tensor({0.F, 3.F, 5.F}).view({1, 3});
  const RopeTable table = rope_table(ids, {2, 4, 2}, 10000.0);
  const at::Tensor x = normal({1, 1, 2, 8}, 7);
  const at::Tensor turned = rope_forward(x, table);
  // Angles a pair: frame 0; row 3 * 10000^0 and 3 * 10000^(-2/4); column 5.
  const double angles[] = {0.0, 3.0, 0.03, 5.0};
  for (int64_t head = 0; head < 2; ++head) {
    for (int64_t pair = 0; pair < 4; ++pair) {
      const auto a = x[0][0][head][2 * pair].item<double>();
      const auto b = x[0][0][head][2 * pair + 1].item<double>();
      // fp32 rounding of values up to 3.
      EXPECT_NEAR(turned[0][0][head][2 * pair].item<double>(),
                  a * std::cos(angles[pair]) - b * std::sin(angles[pair]), 1e-6);
      EXPECT_NEAR(turned[0][0][head][2 * pair + 1].item<double>(),
                  b * std::cos(angles[pair]) + a * std::sin(angles[pair]), 1e-6);
    }
  }
}

TEST(Bf16, ResultsAreTheWideOnesRoundedOnce) {
  const at::Tensor x = normal({2, 5, 48}, 1).to(at::kBFloat16);
  const at::Tensor y = normal({2, 5, 48}, 2).to(at::kBFloat16);
  const at::Tensor vector = normal({2, 1, 48}, 3);
  const at::Tensor wide_x = x.to(at::kFloat);
  EXPECT_TRUE(
      at::equal(layer_norm_modulate_forward(x, vector, vector, 1e-6),
                layer_norm_modulate_forward(wide_x, vector, vector, 1e-6).to(at::kBFloat16)));
  EXPECT_TRUE(
      at::equal(gated_residual_forward(x, vector, y),
                gated_residual_forward(wide_x, vector, y.to(at::kFloat)).to(at::kBFloat16)));
}

// Odd sizes, a single row (the modulation) and rows beyond any tile.
TEST(Threads, NeverChangeABit) {
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    for (const int64_t rows : {1, 2, 5, 7, 9, 17, 400, 401}) {
      Linear layer;
      layer.weight = normal({576, 192}, 1).to(dtype);
      layer.bias = normal({576}, 2).to(dtype);
      layer.adapters.push_back({normal({16, 192}, 3).to(dtype), normal({576, 16}, 4).to(dtype), 1});
      const at::Tensor x = normal({rows, 192}, 5).to(dtype);
      EXPECT_TRUE(same_bytes_on_any_thread_count([&] { return linear_forward(layer, x); }))
          << rows << " rows";
    }
    for (const int64_t length : {65, 272, 1000}) {
      const at::Tensor q = normal({1, length, 3, 64}, 6).to(dtype);
      const at::Tensor k = normal({1, length, 3, 64}, 7).to(dtype);
      EXPECT_TRUE(same_bytes_on_any_thread_count([&] { return attention_forward(q, k, q); }))
          << length << " tokens";
      EXPECT_TRUE(same_bytes_on_any_thread_count(
          [&] { return rms_norm_forward(q, normal({64}, 8).to(dtype), 1e-6); }));
    }
  }
}

}  // namespace
}  // namespace iclora::nn
