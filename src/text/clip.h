#pragma once
// CLIP's text encoder (transformers' CLIPTextModel): a causal transformer whose state at the end
// of the text is the pooled vector.

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "core/json.h"
#include "nn/linear.h"
#include "weights/parameter.h"

namespace iclora::text {

/// text_encoder/config.json.
struct ClipConfig {
  int64_t vocab_size = 49408;
  int64_t hidden_size = 768;
  int64_t intermediate_size = 3072;
  int64_t num_hidden_layers = 12;
  int64_t num_attention_heads = 12;
  int64_t max_position_embeddings = 77;
  int64_t eos_token_id =
      2;  ///< 2 in old configs, whatever the vocabulary: then the largest id ends
  double layer_norm_eps = 1e-5;
  bool quick_gelu = true;  ///< x * sigmoid(1.702 x); else the exact GELU
};

/// Errors (exit 2) name `origin`, the key, what was expected and what was found.
ClipConfig clip_config_from_json(const Json& json, const std::string& origin);
Json clip_config_to_json(const ClipConfig& config);
/// Every tensor, under `text_model.`.
std::vector<weights::ParameterSpec> parameters(const ClipConfig& config);

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
