#include "flux/joint_attention.h"

#include <ATen/ATen.h>

namespace iclora::flux {

QkvProjection load_qkv(nn::WeightSource& source, const std::string& attn, const QkvNames& names,
                       const Config& config, at::ScalarType dtype) {
  const int64_t width = config.width();
  const int64_t head_dim = config.attention_head_dim;
  QkvProjection projection;
  projection.to_q = nn::load_linear(source, attn + "." + names.q, width, width, dtype);
  projection.to_k = nn::load_linear(source, attn + "." + names.k, width, width, dtype);
  projection.to_v = nn::load_linear(source, attn + "." + names.v, width, width, dtype);
  projection.norm_q = source.get(attn + "." + names.norm_q + ".weight", {head_dim}, dtype);
  projection.norm_k = source.get(attn + "." + names.norm_k + ".weight", {head_dim}, dtype);
  return projection;
}

Qkv qkv_forward(const QkvProjection& projection, const at::Tensor& x, QkvSaved* saved) {
  const int64_t head_dim = projection.norm_q.size(0);
  const auto heads = [&](const nn::Linear& layer, nn::LinearSaved* kept) {
    return nn::linear_forward(layer, x, kept).unflatten(-1, {-1, head_dim});
  };
  if (saved == nullptr) {
    return {nn::rms_norm_forward(heads(projection.to_q, nullptr), projection.norm_q, kNormEpsilon),
            nn::rms_norm_forward(heads(projection.to_k, nullptr), projection.norm_k, kNormEpsilon),
            heads(projection.to_v, nullptr)};
  }
  return {nn::rms_norm_forward(heads(projection.to_q, &saved->q), projection.norm_q, kNormEpsilon,
                               &saved->norm_q),
          nn::rms_norm_forward(heads(projection.to_k, &saved->k), projection.norm_k, kNormEpsilon,
                               &saved->norm_k),
          heads(projection.to_v, &saved->v)};
}

at::Tensor qkv_backward(const QkvProjection& projection, const QkvSaved& saved, const Qkv& dqkv,
                        nn::Gradients& gradients) {
  const at::Tensor dq = nn::rms_norm_backward(saved.norm_q, projection.norm_q,
                                              projection.norm_q_slot, dqkv.q, gradients);
  const at::Tensor dk = nn::rms_norm_backward(saved.norm_k, projection.norm_k,
                                              projection.norm_k_slot, dqkv.k, gradients);
  at::Tensor dx = nn::linear_backward(projection.to_q, saved.q, dq.flatten(2), gradients);
  dx.add_(nn::linear_backward(projection.to_k, saved.k, dk.flatten(2), gradients));
  dx.add_(nn::linear_backward(projection.to_v, saved.v, dqkv.v.flatten(2), gradients));
  return dx;
}

at::Tensor joint_attention_forward(const Qkv& joint, const nn::RopeTable& rope,
                                   nn::AttentionSaved* saved) {
  return nn::attention_forward(nn::rope_forward(joint.q, rope), nn::rope_forward(joint.k, rope),
                               joint.v, saved);
}

Qkv joint_attention_backward(const nn::AttentionSaved& saved, const nn::RopeTable& rope,
                             const at::Tensor& dout) {
  const nn::AttentionGradient gradient = nn::attention_backward(saved, dout);
  return {nn::rope_backward(gradient.dq, rope), nn::rope_backward(gradient.dk, rope), gradient.dv};
}

}  // namespace iclora::flux
