#pragma once
// The single block: text and image in one sequence, attention and MLP side by side.

#include <ATen/core/Tensor.h>

#include <string>

#include "flux/joint_attention.h"
#include "flux/modulation.h"

namespace iclora::flux {

/// `single_transformer_blocks.N`.
struct SingleBlock {
  nn::Linear norm;  ///< modulation, D -> 3 D
  QkvProjection qkv;
  nn::Linear proj_mlp;  ///< D -> 4 D
  nn::Linear proj_out;  ///< attention, then MLP: 5 D -> D
};

SingleBlock load_single_block(nn::WeightSource& source, const std::string& name,
                              const Config& config, at::ScalarType dtype);

struct SingleBlockSaved {
  ModulationSaved norm;
  at::Tensor scale, gate;  ///< fp32 [B, 1 or L, D]
  nn::LayerNormSaved layer_norm;
  QkvSaved qkv;
  JointAttentionSaved attention;
  nn::LinearSaved proj_mlp;
  at::Tensor hidden;  ///< before the GELU [B, L, 4 D]
  nn::LinearSaved proj_out;
  at::Tensor delta;  ///< what the block adds, before its gate [B, L, D]
};

/// x: [B, Lt + Li, D], text (of `text_length` tokens) first.
at::Tensor single_block_forward(const SingleBlock& block, const at::Tensor& x, int64_t text_length,
                                const Condition& condition, const nn::RopeTable& rope,
                                SingleBlockSaved* saved = nullptr, const AttentionPlan& plan = {},
                                const Beside& beside = {});

/// dout: [B, Lt + Li, D] -> dx.
at::Tensor single_block_backward(const SingleBlock& block, const SingleBlockSaved& saved,
                                 const nn::RopeTable& rope, const at::Tensor& dout,
                                 ConditionGradient& condition, nn::Gradients& gradients);

}  // namespace iclora::flux
