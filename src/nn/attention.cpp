#include "nn/attention.h"

#include <ATen/ATen.h>

#include "nn/pieces.h"

namespace iclora::nn {

at::Tensor attention_forward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                             AttentionSaved* saved) {
  const at::Tensor qh = q.transpose(1, 2);
  const at::Tensor kh = k.transpose(1, 2);
  const at::Tensor vh = v.transpose(1, 2);
  if (saved == nullptr) {
    return in_one_piece(qh.is_cpu() && qh.size(2) <= kFewTokens,
                        [&] { return at::scaled_dot_product_attention(qh, kh, vh); })
        .transpose(1, 2)
        .flatten(2);
  }
  // The operator behind the call above, with the row sums that its backward needs: same bytes.
  const auto [out, logsumexp] = at::_scaled_dot_product_flash_attention_for_cpu(qh, kh, vh);
  *saved = {qh, kh, vh, out, logsumexp};
  return out.transpose(1, 2).flatten(2);
}

AttentionGradient attention_backward(const AttentionSaved& saved, const at::Tensor& dout) {
  const at::Tensor dout_heads =
      dout.unflatten(-1, {saved.q.size(1), saved.q.size(3)}).transpose(1, 2);
  const auto [dq, dk, dv] = at::_scaled_dot_product_flash_attention_for_cpu_backward(
      dout_heads, saved.q, saved.k, saved.v, saved.out, saved.logsumexp, /*dropout_p=*/0.0,
      /*is_causal=*/false);
  return {dq.transpose(1, 2), dk.transpose(1, 2), dv.transpose(1, 2)};
}

}  // namespace iclora::nn
