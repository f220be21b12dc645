#include "nn/attention.h"

#include <cmath>

#include "nn/pieces.h"
#include "nn/row_kernels.h"
#include "nn/rows.h"

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

at::Tensor biased_attention_forward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                    const at::Tensor& bias) {
  const at::Tensor qh = q.transpose(1, 2);
  return in_one_piece(qh.is_cpu() && qh.size(2) <= kFewTokens,
                      [&] {
                        return at::scaled_dot_product_attention(
                            qh, k.transpose(1, 2), v.transpose(1, 2), bias.view({1, 1, 1, -1}));
                      })
      .transpose(1, 2)
      .flatten(2);
}

namespace {

// Up to this many scores (32 MiB of fp32) are held at once; longer sequences go through libtorch's
// operator, which never holds them, but calls a small product for each of its tiles.
constexpr int64_t kMostScores = int64_t{1} << 23;

/// [B, H, L, d] -> [B * H, L, d], contiguous.
at::Tensor as_batch(const at::Tensor& x) {
  return x.reshape({-1, x.size(2), x.size(3)}).contiguous();
}

/// The same gradients out of whole score matrices: dV = P^T dO, dP = dO V^T,
/// dS = P (dP - rowsum(dO O)), dQ = dS K, dK = dS^T Q (Dao et al., arXiv 2205.14135, appendix B).
/// Scores and dP are taken in fp32 from inputs of any dtype, P and dS rounded to it.
AttentionGradient backward_at_once(const AttentionSaved& saved, const at::Tensor& dout_heads) {
  const at::Tensor q = as_batch(saved.q);
  const at::Tensor k = as_batch(saved.k);
  const at::Tensor v = as_batch(saved.v);
  const at::Tensor out = as_batch(saved.out);
  const at::Tensor dout = as_batch(dout_heads);
  const at::Tensor logsumexp = saved.logsumexp.contiguous();
  const at::Tensor scores = at::bmm(q.to(at::kFloat), k.to(at::kFloat).transpose(1, 2));
  const at::Tensor dweights = at::bmm(dout.to(at::kFloat), v.to(at::kFloat).transpose(1, 2));
  at::Tensor weights = at::empty_like(scores, q.scalar_type());
  at::Tensor dscores = at::empty_like(weights);
  const int64_t queries = scores.size(1);
  const int64_t length = scores.size(2);
  const int64_t width = q.size(2);
  const auto scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(width)));
  with_element(q, [&](auto* element) {
    using T = std::remove_pointer_t<decltype(element)>;
    for_rows(scores.size(0) * queries, length, 1, [&](int64_t first, int64_t last) {
      for (int64_t row = first; row < last; ++row) {
        const float dot =
            kernel::dot_row(in<T>(out) + row * width, in<T>(dout) + row * width, width);
        kernel::attention_row_backward(
            in<float>(scores) + row * length, in<float>(dweights) + row * length, scale,
            in<float>(logsumexp)[row], dot, length, nn::out<T>(weights) + row * length,
            nn::out<T>(dscores) + row * length);
      }
    });
  });
  const auto as_heads = [](const at::Tensor& x, const at::Tensor& like) {
    return x.view(like.sizes()).transpose(1, 2);
  };
  return {as_heads(at::bmm(dscores, k), saved.q),
          as_heads(at::bmm(dscores.transpose(1, 2), q), saved.k),
          as_heads(at::bmm(weights.transpose(1, 2), dout), saved.v)};
}

}  // namespace

AttentionGradient attention_backward(const AttentionSaved& saved, const at::Tensor& dout) {
  const at::Tensor dout_heads =
      dout.unflatten(-1, {saved.q.size(1), saved.q.size(3)}).transpose(1, 2);
  const int64_t scores = saved.q.size(0) * saved.q.size(1) * saved.q.size(2) * saved.k.size(2);
  if (scores <= kMostScores) {
    return backward_at_once(saved, dout_heads);
  }
  const auto [dq, dk, dv] = at::_scaled_dot_product_flash_attention_for_cpu_backward(
      dout_heads, saved.q, saved.k, saved.v, saved.out, saved.logsumexp, /*dropout_p=*/0.0,
      /*is_causal=*/false);
  return {dq.transpose(1, 2), dk.transpose(1, 2), dv.transpose(1, 2)};
}

}  // namespace iclora::nn
