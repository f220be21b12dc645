#pragma once
// The single block: text and image in one sequence, attention and MLP side by side.

#include <ATen/core/Tensor.h>

#include <string>

#include "flux/joint_attention.h"

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

/// x: [B, Lt + Li, D], text first; condition: silu of the conditioning vector, [B, D].
at::Tensor single_block_forward(const SingleBlock& block, const at::Tensor& x,
                                const at::Tensor& condition, const nn::RopeTable& rope);

}  // namespace iclora::flux
