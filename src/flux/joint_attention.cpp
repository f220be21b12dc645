#include "flux/joint_attention.h"

#include <ATen/ATen.h>

#include "core/error.h"

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

namespace {

/// The tokens of `ranges`, one range after the other.
at::Tensor tokens_of(const at::Tensor& x, const std::vector<TokenRange>& ranges) {
  std::vector<at::Tensor> parts;
  parts.reserve(ranges.size());
  for (const TokenRange& range : ranges) parts.push_back(x.slice(1, range.begin, range.end));
  return parts.size() == 1 ? parts[0] : at::cat(parts, 1);
}

/// Calls visit(tokens of whole, their part of `part`) for each range.
template <typename F>
void for_ranges(const at::Tensor& whole, const std::vector<TokenRange>& ranges,
                const at::Tensor& part, const F& visit) {
  int64_t at = 0;
  for (const TokenRange& range : ranges) {
    const int64_t length = range.end - range.begin;
    visit(whole.slice(1, range.begin, range.end), part.slice(1, at, at + length));
    at += length;
  }
}

}  // namespace

at::Tensor joint_attention_forward(const Qkv& joint, const nn::RopeTable& rope,
                                   const AttentionPlan& plan, JointAttentionSaved* saved,
                                   const Beside& beside) {
  const at::Tensor q = nn::rope_forward(joint.q, rope);
  at::Tensor k = nn::rope_forward(joint.k, rope);
  at::Tensor v = joint.v;
  if (beside.kept != nullptr) *beside.kept = {k, v};
  if (beside.seen != nullptr) {
    if (saved != nullptr) {
      fail(ErrorKind::internal, "joint_attention_forward: keys beside are not trained with.");
    }
    k = at::cat({k, beside.seen->k}, 1);
    v = at::cat({v, beside.seen->v}, 1);
  }
  if (plan.empty()) {
    return nn::attention_forward(q, k, v, saved == nullptr ? nullptr : &saved->all);
  }
  if (saved != nullptr) saved->plan = plan;
  at::Tensor out = at::empty({q.size(0), q.size(1), q.size(2) * q.size(3)}, q.options());
  for (const AttentionGroup& group : plan) {
    const at::Tensor queries = tokens_of(q, group.queries);
    const at::Tensor keys = tokens_of(k, group.keys);
    const at::Tensor values = tokens_of(v, group.keys);
    if (group.bias.defined() && saved != nullptr) {
      fail(ErrorKind::internal, "joint_attention_forward: a gain is not trained with.");
    }
    const at::Tensor part =
        group.bias.defined()
            ? nn::biased_attention_forward(queries, keys, values, group.bias)
            : nn::attention_forward(queries, keys, values,
                                    saved == nullptr ? nullptr : &saved->groups.emplace_back());
    for_ranges(out, group.queries, part,
               [](const at::Tensor& to, const at::Tensor& from) { to.copy_(from); });
  }
  return out;
}

Qkv joint_attention_backward(const JointAttentionSaved& saved, const nn::RopeTable& rope,
                             const at::Tensor& dout) {
  if (saved.plan.empty()) {
    const nn::AttentionGradient gradient = nn::attention_backward(saved.all, dout);
    return {nn::rope_backward(gradient.dq, rope), nn::rope_backward(gradient.dk, rope),
            gradient.dv};
  }
  // A key is seen by several groups: their gradients are added in fp32, in the plan's order.
  const nn::AttentionSaved& first = saved.groups.front();
  const at::Tensor dq = at::zeros({dout.size(0), dout.size(1), first.q.size(1), first.q.size(3)},
                                  first.q.options().dtype(at::kFloat));
  const at::Tensor dk = at::zeros_like(dq);
  const at::Tensor dv = at::zeros_like(dq);
  const auto add = [](const at::Tensor& to, const at::Tensor& from) { to.add_(from); };
  for (size_t i = 0; i < saved.plan.size(); ++i) {
    const AttentionGroup& group = saved.plan[i];
    const nn::AttentionGradient gradient =
        nn::attention_backward(saved.groups[i], tokens_of(dout, group.queries));
    for_ranges(dq, group.queries, gradient.dq, add);
    for_ranges(dk, group.keys, gradient.dk, add);
    for_ranges(dv, group.keys, gradient.dv, add);
  }
  const auto dtype = first.q.scalar_type();
  return {nn::rope_backward(dq.to(dtype), rope), nn::rope_backward(dk.to(dtype), rope),
          dv.to(dtype)};
}

}  // namespace iclora::flux
