#pragma once
// Element by element. Computed in fp32, rounded once to x's dtype.

#include <ATen/core/Tensor.h>

namespace iclora::nn {

/// x + gate * y. x, y: [B, L, D]; gate: fp32 [B, 1 or L, D].
at::Tensor gated_residual_forward(const at::Tensor& x, const at::Tensor& gate, const at::Tensor& y);

struct GatedResidualGradient {
  at::Tensor dy;     ///< [B, L, D]
  at::Tensor dgate;  ///< fp32, of the gate's shape
};
/// dout: [B, L, D], which is the gradient of x as it stands.
GatedResidualGradient gated_residual_backward(const at::Tensor& gate, const at::Tensor& y,
                                              const at::Tensor& dout);

/// GELU in its tanh form: 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).
at::Tensor gelu_tanh_forward(const at::Tensor& x);
at::Tensor gelu_tanh_backward(const at::Tensor& x, const at::Tensor& dy);

/// x * sigmoid(x).
at::Tensor silu_forward(const at::Tensor& x);
at::Tensor silu_backward(const at::Tensor& x, const at::Tensor& dy);

}  // namespace iclora::nn
