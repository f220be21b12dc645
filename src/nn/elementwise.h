#pragma once
// Element by element. Computed in fp32, rounded once to x's dtype.

#include <ATen/core/Tensor.h>

namespace iclora::nn {

/// x + gate * y. x, y: [B, L, D]; gate: fp32 [B, 1, D].
at::Tensor gated_residual_forward(const at::Tensor& x, const at::Tensor& gate, const at::Tensor& y);

/// GELU in its tanh form: 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).
at::Tensor gelu_tanh_forward(const at::Tensor& x);

/// x * sigmoid(x).
at::Tensor silu_forward(const at::Tensor& x);

}  // namespace iclora::nn
