#pragma once
// Scaled dot-product attention of queries over keys.

#include <ATen/core/Tensor.h>

namespace iclora::nn {

/// What attention_backward needs of the forward pass.
struct AttentionSaved {
  at::Tensor q, k, v;    ///< [B, H, L, d]; k and v may be of another length than q
  at::Tensor out;        ///< [B, H, L, d], as long as q
  at::Tensor logsumexp;  ///< fp32, of each query's scores
};

/// softmax(q k^T / sqrt(d)) v a head. q, k, v: [B, L, H, d] -> [B, L, H * d], softmax in fp32.
at::Tensor attention_forward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                             AttentionSaved* saved = nullptr);

/// The same with `bias` (fp32 [keys]) added to every query's scores. Forward alone.
at::Tensor biased_attention_forward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                    const at::Tensor& bias);

struct AttentionGradient {
  at::Tensor dq, dk, dv;  ///< [B, L, H, d], as long as q, k and v
};
/// dout: [B, L, H * d].
AttentionGradient attention_backward(const AttentionSaved& saved, const at::Tensor& dout);

}  // namespace iclora::nn
