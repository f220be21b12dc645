#pragma once
// What one forward and backward pass is trained on.

#include <ATen/core/Tensor.h>

namespace iclora::train {

/// Samples of one canvas size. All fp32 but where said.
struct MicroBatch {
  at::Tensor latents;  ///< clean, in the transformer's scale [B, C, h, w]
  at::Tensor t5;       ///< [B, Lt, joint_attention_dim]; any floating type
  at::Tensor clip;     ///< [B, pooled_projection_dim]; any floating type
  at::Tensor noise;    ///< [B, C, h, w]
  at::Tensor t;        ///< [B], sigma in 0..1
  /// bool [B, h, w]: true where the canvas is given, stays clean and has no loss; undefined where
  /// nothing is.
  at::Tensor given;
  /// bool [B, h, w]: true where there is loss (gutters have none); undefined: everywhere.
  at::Tensor counted;

  int64_t size() const { return latents.size(0); }
};

}  // namespace iclora::train
