#include "flux/joint_attention.h"

#include <ATen/ATen.h>

#include "nn/attention.h"
#include "nn/norm.h"

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

Qkv qkv_forward(const QkvProjection& projection, const at::Tensor& x) {
  const int64_t head_dim = projection.norm_q.size(0);
  const auto heads = [&](const nn::Linear& layer) {
    return nn::linear_forward(layer, x).unflatten(-1, {-1, head_dim});
  };
  return {nn::rms_norm_forward(heads(projection.to_q), projection.norm_q, kNormEpsilon),
          nn::rms_norm_forward(heads(projection.to_k), projection.norm_k, kNormEpsilon),
          heads(projection.to_v)};
}

at::Tensor joint_attention_forward(const Qkv& joint, const nn::RopeTable& rope) {
  return nn::attention_forward(nn::rope_forward(joint.q, rope), nn::rope_forward(joint.k, rope),
                               joint.v);
}

}  // namespace iclora::flux
