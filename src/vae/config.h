#pragma once
// The sizes of the autoencoder, as vae/config.json of a diffusers folder states them.

#include <cstdint>
#include <string>
#include <vector>

#include "core/json.h"
#include "weights/parameter.h"

namespace iclora::vae {

struct Config {
  int64_t in_channels = 3;
  int64_t latent_channels = 16;
  std::vector<int64_t> block_out_channels = {128, 256, 512, 512};
  int64_t layers_per_block = 2;
  int64_t norm_num_groups = 32;
  double scaling_factor = 0.3611;
  double shift_factor = 0.1159;
  bool use_quant_conv = false;
  bool use_post_quant_conv = false;
  bool mid_block_add_attention = true;

  /// Pixels a latent pixel, along an edge: 8 for four blocks.
  int64_t downscale() const { return int64_t{1} << (block_out_channels.size() - 1); }
};

/// Errors (exit 2) name `origin`, the key, what was expected and what was found.
Config config_from_json(const Json& json, const std::string& origin);
Json config_to_json(const Config& config);
/// Every tensor under diffusers' names.
std::vector<weights::ParameterSpec> parameters(const Config& config);

}  // namespace iclora::vae
