#pragma once
// One stream's way into and out of the joint attention: q, k, v with their norms.

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "flux/attention_plan.h"
#include "flux/config.h"
#include "nn/attention.h"
#include "nn/linear.h"
#include "nn/norm.h"
#include "nn/rope.h"

namespace iclora::flux {

inline constexpr double kNormEpsilon = 1e-6;

/// q, k, v projections of one stream and the RMS norms of q and k.
struct QkvProjection {
  nn::Linear to_q;
  nn::Linear to_k;
  nn::Linear to_v;
  at::Tensor norm_q;  ///< [head_dim]
  at::Tensor norm_k;  ///< [head_dim]
  nn::Slot norm_q_slot = nn::kFrozen;
  nn::Slot norm_k_slot = nn::kFrozen;
};

/// The module names differ between the image and the text stream; all lie below `attn`.
struct QkvNames {
  const char* q;
  const char* k;
  const char* v;
  const char* norm_q;
  const char* norm_k;
};
inline constexpr QkvNames kImageNames = {"to_q", "to_k", "to_v", "norm_q", "norm_k"};
inline constexpr QkvNames kTextNames = {"add_q_proj", "add_k_proj", "add_v_proj", "norm_added_q",
                                        "norm_added_k"};

QkvProjection load_qkv(nn::WeightSource& source, const std::string& attn, const QkvNames& names,
                       const Config& config, at::ScalarType dtype);

/// Normalised, not yet turned by their positions. Each [B, L, H, head_dim].
struct Qkv {
  at::Tensor q;
  at::Tensor k;
  at::Tensor v;
};

/// What qkv_backward needs of the forward pass.
struct QkvSaved {
  nn::LinearSaved q, k, v;
  nn::RmsNormSaved norm_q, norm_k;
};

/// x: [B, L, D].
Qkv qkv_forward(const QkvProjection& projection, const at::Tensor& x, QkvSaved* saved = nullptr);
/// -> dx [B, L, D].
at::Tensor qkv_backward(const QkvProjection& projection, const QkvSaved& saved, const Qkv& dqkv,
                        nn::Gradients& gradients);

/// What joint_attention_backward needs of the forward pass.
struct JointAttentionSaved {
  nn::AttentionSaved all;                  ///< without a plan
  AttentionPlan plan;                      ///< with one
  std::vector<nn::AttentionSaved> groups;  ///< in the plan's order
};

/// Keys, turned by their positions, and values of some tokens: [B, L, H, head_dim].
struct KeyValues {
  at::Tensor k;
  at::Tensor v;
};

/// Tokens beside the sequence: forward alone.
struct Beside {
  const KeyValues* seen = nullptr;  ///< further keys, behind the sequence's own
  KeyValues* kept = nullptr;        ///< where the sequence's own are left, to be seen elsewhere
};

/// Attention of the tokens of `joint`, whose q and k are turned by `rope` first: [B, L, D].
at::Tensor joint_attention_forward(const Qkv& joint, const nn::RopeTable& rope,
                                   const AttentionPlan& plan, JointAttentionSaved* saved = nullptr,
                                   const Beside& beside = {});
/// dout: [B, L, D] -> the gradients of `joint`.
Qkv joint_attention_backward(const JointAttentionSaved& saved, const nn::RopeTable& rope,
                             const at::Tensor& dout);

}  // namespace iclora::flux
