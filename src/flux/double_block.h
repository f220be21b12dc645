#pragma once
// The double block: image and text keep their own weights and meet in one joint attention.

#include <ATen/core/Tensor.h>

#include <string>

#include "flux/joint_attention.h"
#include "flux/modulation.h"

namespace iclora::flux {

/// linear_2(gelu(linear_1(x))), `ff` of the checkpoint.
struct FeedForward {
  nn::Linear in;   ///< net.0.proj
  nn::Linear out;  ///< net.2
};

/// What one stream (image or text) owns.
struct StreamWeights {
  nn::Linear norm1;  ///< modulation, D -> 6 D
  QkvProjection qkv;
  nn::Linear attn_out;  ///< attn.to_out.0 or attn.to_add_out
  FeedForward ff;
};

/// `transformer_blocks.N`.
struct DoubleBlock {
  StreamWeights image;
  StreamWeights text;
};

DoubleBlock load_double_block(nn::WeightSource& source, const std::string& name,
                              const Config& config, at::ScalarType dtype);

struct Streams {
  at::Tensor image;  ///< [B, Li, D]
  at::Tensor text;   ///< [B, Lt, D]
};

/// The six modulation tensors of one stream, fp32 [B, 1 or L, D], in the checkpoint's order.
struct StreamModulation {
  at::Tensor shift_attn, scale_attn, gate_attn;
  at::Tensor shift_mlp, scale_mlp, gate_mlp;
};

/// What one stream keeps for its backward pass.
struct StreamSaved {
  ModulationSaved norm1;
  StreamModulation modulation;
  nn::LayerNormSaved attn_norm;
  QkvSaved qkv;
  nn::LinearSaved attn_out;
  at::Tensor attn_delta;  ///< what attention adds, before its gate [B, L, D]
  nn::LayerNormSaved mlp_norm;
  nn::LinearSaved ff_in;
  at::Tensor ff_hidden;  ///< before the GELU [B, L, 4 D]
  nn::LinearSaved ff_out;
  at::Tensor ff_delta;  ///< what the MLP adds, before its gate [B, L, D]
};

struct DoubleBlockSaved {
  StreamSaved image, text;
  JointAttentionSaved attention;
};

/// rope: over text, then image.
Streams double_block_forward(const DoubleBlock& block, const Streams& x, const Condition& condition,
                             const nn::RopeTable& rope, DoubleBlockSaved* saved = nullptr,
                             const AttentionPlan& plan = {}, const Beside& beside = {});

/// Of image tokens that see only each other, no text: [B, Li, D] -> the same, their keys and values
/// in `kept`. rope: over them.
at::Tensor double_block_image_forward(const DoubleBlock& block, const at::Tensor& image,
                                      const Condition& condition, const nn::RopeTable& rope,
                                      KeyValues& kept);

/// dout: the gradient of both streams' results -> of what entered.
Streams double_block_backward(const DoubleBlock& block, const DoubleBlockSaved& saved,
                              const nn::RopeTable& rope, const Streams& dout,
                              ConditionGradient& condition, nn::Gradients& gradients);

}  // namespace iclora::flux
