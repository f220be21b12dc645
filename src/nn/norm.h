#pragma once
// Normalisations. Whatever the dtype of x, statistics and products are taken in fp32 and the result
// is rounded once, to x's dtype.

#include <ATen/core/Tensor.h>

#include "nn/gradients.h"

namespace iclora::nn {

/// What layer_norm_modulate_backward needs of the forward pass.
struct LayerNormSaved {
  at::Tensor x;     ///< [B, L, D]
  at::Tensor mean;  ///< fp32 [B, L, 1]
  at::Tensor rstd;  ///< fp32 [B, L, 1], 1 / standard deviation
};

/// Layer norm without affine over the last axis, then modulation: norm(x) * (1 + scale) + shift.
/// x: [B, L, D]; shift, scale: fp32 [B, 1 or L, D] -> [B, L, D].
at::Tensor layer_norm_modulate_forward(const at::Tensor& x, const at::Tensor& shift,
                                       const at::Tensor& scale, double eps,
                                       LayerNormSaved* saved = nullptr);

struct LayerNormGradient {
  at::Tensor dx;      ///< [B, L, D] of dy's dtype
  at::Tensor dshift;  ///< fp32, of the scale's shape
  at::Tensor dscale;  ///< fp32, of the scale's shape
};
LayerNormGradient layer_norm_modulate_backward(const LayerNormSaved& saved, const at::Tensor& scale,
                                               const at::Tensor& dy);

/// What rms_norm_backward needs of the forward pass.
struct RmsNormSaved {
  at::Tensor x;        ///< [..., D]
  at::Tensor inverse;  ///< fp32 [..., 1], 1 / sqrt(mean(x^2) + eps)
};

/// x / sqrt(mean(x^2) + eps) * weight over the last axis. x: [..., D]; weight: [D].
at::Tensor rms_norm_forward(const at::Tensor& x, const at::Tensor& weight, double eps,
                            RmsNormSaved* saved = nullptr);

/// -> dx [..., D] of dy's dtype; adds the weight's gradient at `weight_slot`.
at::Tensor rms_norm_backward(const RmsNormSaved& saved, const at::Tensor& weight, Slot weight_slot,
                             const at::Tensor& dy, Gradients& gradients);

}  // namespace iclora::nn
