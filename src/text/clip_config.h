#pragma once
// The sizes of CLIP's text encoder (text_encoder/config.json) and its tensors. No tensor library
// here.

#include <cstdint>
#include <string>
#include <vector>

#include "core/json.h"
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
/// What the names of layer i's tensors begin with.
std::string clip_layer_name(int64_t i);

}  // namespace iclora::text
