#pragma once
// Scaled dot-product attention over all tokens, without a mask.

#include <ATen/core/Tensor.h>

namespace iclora::nn {

/// softmax(q k^T / sqrt(d)) v a head. q, k, v: [B, L, H, d] -> [B, L, H * d], softmax in fp32.
at::Tensor attention_forward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v);

}  // namespace iclora::nn
