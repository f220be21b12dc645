#pragma once
// What one forward and backward pass is trained on.

#include <ATen/core/Tensor.h>

#include <vector>

#include "flux/panel_sequences.h"

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
  /// The panels that are sequences of their own (method gdt), the same in all samples; none: the
  /// canvas is one picture. With N of them t5 is their captions in turn [B, N * Lt, ...], clip
  /// [B, N, ...], and what lies between them is not counted.
  std::vector<flux::LatentBox> panels = {};

  int64_t size() const { return latents.size(0); }
};

}  // namespace iclora::train
