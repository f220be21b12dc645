#pragma once
// The sizes of a FLUX.1 transformer, as transformer/config.json of a diffusers folder states them.

#include <cstdint>
#include <string>
#include <vector>

#include "core/json.h"
#include "weights/parameter.h"

namespace iclora::flux {

struct Config {
  int64_t in_channels = 64;        ///< of a packed token: 16 latent channels x 2 x 2
  int64_t num_layers = 19;         ///< double blocks
  int64_t num_single_layers = 38;  ///< single blocks
  int64_t attention_head_dim = 128;
  int64_t num_attention_heads = 24;
  int64_t joint_attention_dim = 4096;   ///< width of the T5 states
  int64_t pooled_projection_dim = 768;  ///< width of the pooled CLIP vector
  bool guidance_embeds = true;          ///< FLUX.1-dev; FLUX.1-schnell has none
  std::vector<int64_t> axes_dims_rope = {16, 56, 56};

  int64_t width() const { return attention_head_dim * num_attention_heads; }
  int64_t mlp_width() const { return 4 * width(); }
};

/// Errors (exit 2) name `origin`, the key, what was expected and what was found.
Config config_from_json(const Json& json, const std::string& origin);
/// As diffusers writes it.
Json config_to_json(const Config& config);

/// Every tensor of the transformer under diffusers' names, in the order of the blocks.
std::vector<weights::ParameterSpec> parameters(const Config& config);

}  // namespace iclora::flux
