#pragma once
// Matrix products and their sums, rounded once.

#include <ATen/core/Tensor.h>

#include <vector>

namespace iclora::nn {

/// scale * left * right. Either factor may be a view whose rows or whose columns are contiguous, in
/// fp32 or bf16, also one of each.
struct Product {
  at::Tensor left;   ///< [M, K]
  at::Tensor right;  ///< [K, N]
  double scale = 1.0;
};

/// Whether this processor takes large products of bf16 faster in bf16 than widened to fp32.
bool has_fast_bf16_products();

/// The products' sum + bias as [M, N] of `dtype`. On the processor the sum is fp32 and rounded
/// once; all is cut into pieces by shapes alone, so that threads never change a bit. K may differ
/// from product to product. `bias`: [N] or undefined. `large_in_bf16`: whether the first product,
/// where its factors are bf16 and large, is libtorch's, rounded by itself.
at::Tensor sum_of_products(const std::vector<Product>& products, const at::Tensor& bias,
                           at::ScalarType dtype, bool large_in_bf16 = has_fast_bf16_products());

}  // namespace iclora::nn
