#include "nn/product.h"

#include <gtest/gtest.h>

#include <vector>

#include "nn/elementwise.h"
#include "tensors.h"

namespace iclora::nn {
namespace {

using testing_support::normal;
using testing_support::relative_l2;
using testing_support::same_bytes_on_any_thread_count;

// fp32 against fp64: roundings of 6e-8 each, over sums of up to 5,000 elements.
constexpr double kFloatTolerance = 1e-6;
// One rounding to bf16 is at most 2^-9 of a number, on average a good half of that.
constexpr double kBf16Tolerance = 2e-3;

/// The same sum in fp64.
at::Tensor expected_sum(const std::vector<Product>& products, const at::Tensor& bias) {
  at::Tensor sum;
  for (const Product& product : products) {
    const at::Tensor y =
        at::mm(product.left.to(at::kDouble), product.right.to(at::kDouble)) * product.scale;
    sum = sum.defined() ? sum + y : y;
  }
  return bias.defined() ? sum + bias.to(at::kDouble) : sum;
}

struct Shape {
  int64_t rows, depth, columns;
};

// A single row and few rows (taken as dots), sizes that no piece and no register divides, and more
// than a piece in each dimension.
const std::vector<Shape> kShapes = {{1, 192, 1152},  {3, 50, 7},    {5, 16, 33},    {97, 65, 100},
                                    {130, 192, 801}, {300, 70, 65}, {70, 4300, 90}, {1100, 64, 64}};

std::vector<Product> products_of(const Shape& shape, at::ScalarType dtype) {
  const auto of = [&](int64_t rows, int64_t columns, uint64_t seed) {
    return normal({rows, columns}, seed).to(dtype);
  };
  return {
      {of(shape.rows, shape.depth, 1), of(shape.columns, shape.depth, 2).t()},
      {normal({shape.rows, 5}, 3), of(shape.columns, 5, 4).t(), 0.5},  // fp32 meets `dtype`
      {of(5, shape.rows, 5).t(), of(5, shape.columns, 6), -2.0},
  };
}

TEST(SumOfProducts, IsTheSumInAnyMixtureOfTypesAndTurns) {
  for (const Shape& shape : kShapes) {
    for (const auto dtype : {at::kFloat, at::kBFloat16}) {
      for (const bool large_in_bf16 : {false, true}) {
        const auto products = products_of(shape, dtype);
        const at::Tensor bias = normal({shape.columns}, 7).to(dtype);
        const at::Tensor sum = sum_of_products(products, bias, at::kFloat, large_in_bf16);
        EXPECT_EQ(sum.scalar_type(), at::kFloat);
        const bool rounded = dtype == at::kBFloat16 && large_in_bf16;
        EXPECT_LT(relative_l2(sum, expected_sum(products, bias)),
                  rounded ? kBf16Tolerance : kFloatTolerance)
            << shape.rows << " x " << shape.depth << " x " << shape.columns;
      }
    }
  }
}

TEST(SumOfProducts, IsRoundedOnce) {
  for (const Shape& shape : kShapes) {
    const auto products = products_of(shape, at::kBFloat16);
    const at::Tensor bias = normal({shape.columns}, 7).to(at::kBFloat16);
    const at::Tensor wide = sum_of_products(products, {}, at::kFloat, false);
    EXPECT_TRUE(at::equal(sum_of_products(products, bias, at::kBFloat16, false),
                          (wide + bias.to(at::kFloat)).to(at::kBFloat16)))
        << shape.rows << " x " << shape.depth << " x " << shape.columns;
    EXPECT_LT(relative_l2(sum_of_products(products, bias, at::kBFloat16, true),
                          expected_sum(products, bias)),
              2 * kBf16Tolerance);
  }
}

TEST(SumOfProducts, TakesPartsOfLargerTensors) {
  const at::Tensor x = normal({40, 90}, 1).to(at::kBFloat16);
  const at::Tensor w = normal({70, 200}, 2).to(at::kBFloat16);
  const std::vector<Product> products = {
      {x.slice(1, 10, 80), w.slice(1, 3, 73).t()},
      {x.slice(1, 0, 70, 2).slice(1, 0, 35), w.t().slice(0, 0, 35)},
      {x.slice(1, 0, 1), w.slice(1, 5, 6).t()}};
  EXPECT_LT(
      relative_l2(sum_of_products(products, {}, at::kFloat, false), expected_sum(products, {})),
      kFloatTolerance);
  const Product none = {x.slice(1, 0, 0), w.slice(1, 0, 0).t()};
  EXPECT_TRUE(at::equal(sum_of_products({none}, {}, at::kFloat, false), at::zeros({40, 70})));
}

TEST(SumOfProducts, IsTheSameOnAnyThreadCount) {
  for (const Shape& shape : kShapes) {
    for (const auto dtype : {at::kFloat, at::kBFloat16}) {
      const auto products = products_of(shape, dtype);
      EXPECT_TRUE(same_bytes_on_any_thread_count([&] {
        return sum_of_products(products, {}, dtype, false);
      })) << shape.rows
          << " x " << shape.depth << " x " << shape.columns;
    }
  }
}

TEST(Gelu, IsItsFormulaAndItsSlope) {
  const at::Tensor x =
      at::cat({normal({7, 100}, 1) * 3, at::linspace(-30, 30, 700).view({7, 100})}, 1);
  const at::Tensor dy = normal({7, 200}, 2);
  const at::Tensor wide = x.to(at::kDouble);
  EXPECT_LT(relative_l2(gelu_tanh_forward(x), at::gelu(wide, "tanh")), kFloatTolerance);
  EXPECT_LT(
      relative_l2(gelu_tanh_backward(x, dy), at::gelu_backward(dy.to(at::kDouble), wide, "tanh")),
      kFloatTolerance);
  const at::Tensor far = at::tensor({-1e4F, -100.0F, 100.0F, 1e4F});
  EXPECT_TRUE(at::allclose(gelu_tanh_forward(far), at::clamp_min(far, 0.0F)));
  EXPECT_TRUE(at::allclose(gelu_tanh_backward(far, at::ones_like(far)), far.gt(0).to(at::kFloat)));
  // dy may be a part of wider rows.
  const at::Tensor wider = normal({7, 300}, 3);
  EXPECT_TRUE(at::equal(gelu_tanh_backward(x, wider.slice(1, 50, 250)),
                        gelu_tanh_backward(x, wider.slice(1, 50, 250).contiguous())));
  EXPECT_TRUE(gelu_tanh_forward(at::full({3}, NAN)).isnan().all().item<bool>());
}

}  // namespace
}  // namespace iclora::nn
