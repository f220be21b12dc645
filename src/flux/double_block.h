#pragma once
// The double block: image and text keep their own weights and meet in one joint attention.

#include <ATen/core/Tensor.h>

#include <string>

#include "flux/joint_attention.h"

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

/// condition: silu of the conditioning vector, [B, D]. rope: over text, then image.
Streams double_block_forward(const DoubleBlock& block, const Streams& x,
                             const at::Tensor& condition, const nn::RopeTable& rope);

}  // namespace iclora::flux
