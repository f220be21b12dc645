#include "pretrain/muon.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "fixtures.h"
#include "tensors.h"

namespace iclora::pretrain {
namespace {

using testing_support::Fixture;
using testing_support::normal;
using testing_support::relative_l2;

TEST(Muon, OrthogonalisesWideAndTallMatrices) {
  for (const auto& [rows, columns] : {std::pair(12, 12), {6, 40}, {40, 6}}) {
    // Singular values over three orders of magnitude, as gradients have them.
    const at::Tensor left = std::get<0>(at::linalg_qr(normal({rows, 6}, 1)));
    const at::Tensor right = std::get<0>(at::linalg_qr(normal({columns, 6}, 2)));
    const at::Tensor values = at::logspace(-2, 1, 6);
    const at::Tensor matrix = at::mm(left * values, right.t());
    const at::Tensor result = orthogonalised(matrix);
    ASSERT_EQ(result.sizes(), matrix.sizes());
    // In the same directions alone, the two smallest perhaps not quite there after five steps.
    const at::Tensor inside = at::mm(at::mm(left.t(), result), right);
    EXPECT_LT(relative_l2(at::mm(at::mm(left, inside), right.t()), result), 1e-5);
    const at::Tensor gains = inside.diagonal().slice(0, 2);
    EXPECT_GT(gains.min().item<double>(), 0.65) << rows << "x" << columns;
    EXPECT_LT(gains.max().item<double>(), 1.25) << rows << "x" << columns;
  }
  EXPECT_EQ(orthogonalised(at::zeros({3, 5})).abs().max().item<double>(), 0);
}

TEST(Muon, StepsAsTheReference) {
  Fixture fixture("training/muon.safetensors");
  for (int i = 0; i < 3; ++i) {
    const at::Tensor begin = fixture[fmt::format("parameter.{}.0", i)].clone();
    const at::Tensor parameter = begin.clone();
    const at::Tensor momentum = at::zeros_like(parameter);
    for (int step = 0; step < 5; ++step) {
      muon_step({parameter}, {fixture[fmt::format("gradient.{}.{}", i, step)]}, 1.0, 0.02,
                {.momentum = 0.95, .weight_decay = 0.1}, {momentum});
      const at::Tensor exact = fixture[fmt::format("exact.{}.{}", i, step + 1)];
      const at::Tensor torch = fixture[fmt::format("parameter.{}.{}", i, step + 1)];
      const at::Tensor update = parameter - begin;
      // fp32 against fp64; the iteration multiplies rounding errors by up to its slope at zero.
      EXPECT_LT(relative_l2(update, exact - begin), 1e-4) << i << ", " << step;
      // torch iterates in bf16, which alone puts it 1 to 4 % from the exact update.
      EXPECT_LT(relative_l2(update, torch - begin), 0.06) << i << ", " << step;
    }
  }
}

TEST(Muon, TakesAKernelAsTheMatrixOfItsOutputs) {
  const at::Tensor kernel = normal({8, 6, 3, 3}, 1);
  const at::Tensor matrix = kernel.flatten(1).clone();
  const at::Tensor gradient = normal({8, 6, 3, 3}, 2);
  muon_step({kernel, matrix}, {gradient, gradient.flatten(1)}, 1.0, 0.1, {},
            {at::zeros_like(kernel), at::zeros_like(matrix)});
  EXPECT_TRUE(at::equal(kernel.flatten(1), matrix));
  EXPECT_FALSE(at::equal(kernel, normal({8, 6, 3, 3}, 1)));
}

TEST(Muon, ScalesGradientsTakesMissingOnesAsZeroAndGivesTheSameBytesOnAnyThreads) {
  const auto stepped = [](int threads, double scale) {
    const int before = at::get_num_threads();
    at::set_num_threads(threads);
    std::vector<at::Tensor> parameters;
    std::vector<at::Tensor> gradients;
    std::vector<at::Tensor> momenta;
    for (const int64_t size : {64, 96, 48, 64}) {
      parameters.push_back(normal({size, 64}, size));
      gradients.push_back(normal({size, 64}, size + 1) / scale);
      momenta.push_back(at::zeros({size, 64}));
    }
    gradients[3] = at::Tensor();
    muon_step(parameters, gradients, scale, 0.1, {.weight_decay = 0.5}, momenta);
    at::set_num_threads(before);
    return parameters;
  };
  const auto one = stepped(1, 1);
  const auto two = stepped(2, 1);
  const auto scaled = stepped(2, 4);
  for (size_t i = 0; i < one.size(); ++i) {
    EXPECT_TRUE(at::equal(one[i], two[i])) << i;
    EXPECT_TRUE(at::equal(one[i], scaled[i])) << i;  // by a power of two: exact
  }
  EXPECT_TRUE(at::equal(one[3], normal({64, 64}, 64) * 0.95F));  // decay alone
}

}  // namespace
}  // namespace iclora::pretrain
