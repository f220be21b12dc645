#pragma once
// Sums that undo broadcasting.

#include <ATen/core/Tensor.h>

namespace iclora::nn {

/// Sums fp32 x [B, L, D] over the tokens where `like` is [B, 1, D]; as it is where the shapes are
/// equal.
at::Tensor sum_to_shape_of(const at::Tensor& x, const at::Tensor& like);

}  // namespace iclora::nn
