#include "vae/group_norm.h"

#include <gtest/gtest.h>

#include "tensors.h"

namespace iclora::vae {
namespace {

using testing_support::normal;
using testing_support::relative_l2;
using testing_support::same_bytes_on_any_thread_count;

GroupNorm make_norm(int64_t channels, int64_t groups, at::ScalarType dtype) {
  return {(normal({channels}, 1) * 0.3 + 1).to(dtype), normal({channels}, 2).to(dtype), groups};
}

/// The formula in fp64.
at::Tensor exact(const GroupNorm& norm, const at::Tensor& x, bool silu) {
  const at::Tensor wide = x.to(at::kDouble).unflatten(1, {norm.groups, -1});
  const at::Tensor mean = wide.mean({2, 3, 4}, true);
  const at::Tensor variance = (wide - mean).square().mean({2, 3, 4}, true);
  const at::Tensor y = ((wide - mean) / at::sqrt(variance + 1e-6)).flatten(1, 2) *
                           norm.weight.to(at::kDouble).view({-1, 1, 1}) +
                       norm.bias.to(at::kDouble).view({-1, 1, 1});
  return silu ? y * at::sigmoid(y) : y;
}

// One channel a group, odd channels, many chunks, several images; far from zero mean.
TEST(GroupNorm, IsItsFormula) {
  for (const auto& [shape, groups] : {std::pair{std::vector<int64_t>{2, 12, 9, 7}, 4},
                                      {std::vector<int64_t>{1, 5, 3, 1}, 5},
                                      {std::vector<int64_t>{3, 96, 40, 30}, 32},
                                      {std::vector<int64_t>{1, 512, 33, 20}, 32}}) {
    const at::Tensor x = normal(shape, 3) * 3 + 5;
    const GroupNorm norm = make_norm(shape[1], groups, at::kFloat);
    // A few roundings of 6e-8 each; x of 5 +- 3 loses one bit when the mean goes.
    EXPECT_LT(relative_l2(group_norm_forward(norm, x), exact(norm, x, false)), 3e-7);
    EXPECT_LT(relative_l2(group_norm_silu_forward(norm, x), exact(norm, x, true)), 3e-7);
  }
}

TEST(GroupNorm, InBf16IsRoundedOnce) {
  const at::Tensor x = (normal({2, 12, 40, 31}, 3) * 3 + 5).to(at::kBFloat16);
  const GroupNorm norm = make_norm(12, 4, at::kBFloat16);
  for (const bool silu : {false, true}) {
    const at::Tensor ours = silu ? group_norm_silu_forward(norm, x) : group_norm_forward(norm, x);
    ASSERT_EQ(ours.scalar_type(), at::kBFloat16);
    const at::Tensor expected = exact(norm, x, silu);
    // Half a unit in the last place of bf16 (8 bits), and the roundings of fp32.
    const at::Tensor excess = (ours.to(at::kDouble) - expected).abs() - expected.abs() / 256 - 1e-6;
    EXPECT_LE(excess.max().item<double>(), 0.0);
    EXPECT_LT(relative_l2(ours, expected), 1.0 / 512);
  }
}

TEST(GroupNorm, SiluHoldsFarFromZero) {
  at::Tensor x = at::zeros({1, 2, 1, 2});
  x[0][0][0][0] = 1;
  x[0][0][0][1] = -1;
  // Scaled up so that e^-x leaves the range of fp32 on either side.
  const GroupNorm norm = {at::tensor({1000.0F, 1.0F}), at::tensor({0.0F, 0.0F}), 2};
  const at::Tensor y = group_norm_silu_forward(norm, x);
  EXPECT_NEAR(y[0][0][0][0].item<double>(), 1000, 0.01);
  EXPECT_NEAR(y[0][0][0][1].item<double>(), 0, 1e-30);
  EXPECT_EQ(y[0][1][0][0].item<double>(), 0);
}

TEST(GroupNorm, WhatIsNotANumberStaysSo) {
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    at::Tensor x = normal({1, 4, 3, 3}, 3).to(dtype);
    x[0][0][0][0] = std::numeric_limits<float>::quiet_NaN();
    const at::Tensor y = group_norm_silu_forward(make_norm(4, 2, dtype), x);
    EXPECT_TRUE(at::isnan(y.slice(1, 0, 2)).all().item<bool>());
    EXPECT_FALSE(at::isnan(y.slice(1, 2)).any().item<bool>());
  }
}

TEST(GroupNorm, ThreadsNeverChangeABit) {
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    const at::Tensor x = normal({2, 96, 61, 47}, 3).to(dtype);
    const GroupNorm norm = make_norm(96, 32, dtype);
    EXPECT_TRUE(same_bytes_on_any_thread_count([&] { return group_norm_silu_forward(norm, x); }));
  }
}

TEST(GroupNorm, UnderAGraphIsTheSameUpToRounding) {
  const at::Tensor x = normal({2, 12, 9, 7}, 3);
  GroupNorm norm = make_norm(12, 4, at::kFloat);
  const at::Tensor plain = group_norm_silu_forward(norm, x);
  norm.weight = norm.weight.detach().clone().set_requires_grad(true);
  const at::Tensor traced = group_norm_silu_forward(norm, x);
  EXPECT_TRUE(traced.requires_grad());
  EXPECT_LT(relative_l2(traced.detach(), plain), 5e-7);
}

/// Gradients of sum(y * g) by libtorch's own rules in fp64: of x, the weight and the bias.
std::vector<at::Tensor> exact_gradients(const GroupNorm& norm, const at::Tensor& x, bool silu,
                                        const at::Tensor& g) {
  const auto leaf = [](const at::Tensor& t) {
    return t.to(at::kDouble).detach().requires_grad_(true);
  };
  const GroupNorm wide = {leaf(norm.weight), leaf(norm.bias), norm.groups};
  const at::Tensor input = leaf(x);
  (exact(wide, input, silu) * g.to(at::kDouble)).sum().backward();
  return {input.grad(), wide.weight.grad(), wide.bias.grad()};
}

TEST(GroupNorm, GradientsAreThoseOfItsFormula) {
  for (const bool silu : {false, true}) {
    for (const auto& [shape, groups] : {std::pair{std::vector<int64_t>{2, 12, 9, 7}, 4},
                                        {std::vector<int64_t>{1, 5, 3, 1}, 5},
                                        {std::vector<int64_t>{3, 16, 50, 50}, 8}}) {
      const at::Tensor x = normal(shape, 3) * 3 + 1;
      const at::Tensor g = normal(shape, 4);
      const GroupNorm norm = make_norm(shape[1], groups, at::kFloat);
      const auto expected = exact_gradients(norm, x, silu, g);
      // Under autograd, where the pair of functions is one node.
      const auto leaf = [](const at::Tensor& t) { return t.detach().requires_grad_(true); };
      const GroupNorm trained = {leaf(norm.weight), leaf(norm.bias), groups};
      const at::Tensor input = leaf(x);
      const at::Tensor y =
          silu ? group_norm_silu_forward(trained, input) : group_norm_forward(trained, input);
      EXPECT_LT(relative_l2(y, exact(norm, x, silu)), 3e-7);
      (y * g).sum().backward();
      // fp32 sums of a few thousand terms of mixed sign.
      EXPECT_LT(relative_l2(input.grad(), expected[0]), 3e-6);
      EXPECT_LT(relative_l2(trained.weight.grad(), expected[1]), 3e-6);
      EXPECT_LT(relative_l2(trained.bias.grad(), expected[2]), 3e-6);
    }
  }
}

TEST(GroupNorm, GradientsHaveTheSameBytesOnAnyThreadCount) {
  const at::Tensor x = normal({2, 24, 60, 50}, 3).to(at::kBFloat16);
  const at::Tensor dy = normal({2, 24, 60, 50}, 4).to(at::kBFloat16);
  const GroupNorm norm = make_norm(24, 8, at::kBFloat16);
  for (int which = 0; which < 3; ++which) {
    EXPECT_TRUE(same_bytes_on_any_thread_count([&] {
      GroupNormSaved saved;
      group_norm_training_forward(norm, x, true, saved);
      const GroupNormGradient gradient = group_norm_backward(norm, saved, true, dy);
      return which == 0 ? gradient.dx : which == 1 ? gradient.dweight : gradient.dbias;
    }));
  }
}

}  // namespace
}  // namespace iclora::vae
