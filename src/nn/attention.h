#pragma once
// Scaled dot-product attention over all tokens, without a mask.

#include <ATen/core/Tensor.h>

namespace iclora::nn {

/// What attention_backward needs of the forward pass.
struct AttentionSaved {
  at::Tensor q, k, v;    ///< [B, H, L, d]
  at::Tensor out;        ///< [B, H, L, d]
  at::Tensor logsumexp;  ///< fp32, of each query's scores
};

/// softmax(q k^T / sqrt(d)) v a head. q, k, v: [B, L, H, d] -> [B, L, H * d], softmax in fp32.
at::Tensor attention_forward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                             AttentionSaved* saved = nullptr);

struct AttentionGradient {
  at::Tensor dq, dk, dv;  ///< [B, L, H, d]
};
/// dout: [B, L, H * d].
AttentionGradient attention_backward(const AttentionSaved& saved, const at::Tensor& dout);

}  // namespace iclora::nn
