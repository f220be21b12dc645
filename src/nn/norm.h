#pragma once
// Normalisations. Whatever the dtype of x, statistics and products are taken in fp32 and the result
// is rounded once, to x's dtype.

#include <ATen/core/Tensor.h>

namespace iclora::nn {

/// Layer norm without affine over the last axis, then modulation: norm(x) * (1 + scale) + shift.
/// x: [B, L, D]; shift, scale: fp32 [B, 1, D] -> [B, L, D].
at::Tensor layer_norm_modulate_forward(const at::Tensor& x, const at::Tensor& shift,
                                       const at::Tensor& scale, double eps);

/// x / sqrt(mean(x^2) + eps) * weight over the last axis. x: [..., D]; weight: [D].
at::Tensor rms_norm_forward(const at::Tensor& x, const at::Tensor& weight, double eps);

}  // namespace iclora::nn
