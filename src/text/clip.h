#pragma once
// CLIP's text encoder (transformers' CLIPTextModel): a causal transformer whose state at the end
// of the text is the pooled vector.

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "nn/linear.h"
#include "text/clip_config.h"

namespace iclora::text {

/// Affine layer norm.
struct LayerNorm {
  at::Tensor weight;  ///< [D]
  at::Tensor bias;    ///< [D]
};

/// `text_model.encoder.layers.N`.
struct ClipLayer {
  LayerNorm layer_norm1;
  nn::Linear q_proj, k_proj, v_proj, out_proj;
  LayerNorm layer_norm2;
  nn::Linear fc1, fc2;
};

struct ClipEncoder {
  ClipConfig config;
  at::Tensor token_embedding;     ///< [V, D]
  at::Tensor position_embedding;  ///< [77, D]
  std::vector<ClipLayer> layers;
  LayerNorm final_layer_norm;
};

ClipEncoder load_clip(nn::WeightSource& source, const ClipConfig& config, at::ScalarType dtype);

struct ClipStates {
  at::Tensor hidden;  ///< [B, L, D], after the final norm
  at::Tensor pooled;  ///< [B, D], the state at the end-of-text token
};

/// ids: int64 [B, L], L at most max_position_embeddings. Errors (exit 2) when an id is not in the
/// vocabulary.
ClipStates clip_forward(const ClipEncoder& encoder, const at::Tensor& ids);

}  // namespace iclora::text
