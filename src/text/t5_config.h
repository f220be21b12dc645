#pragma once
// The sizes of T5's encoder (text_encoder_2/config.json) and its tensors. No tensor library here.

#include <cstdint>
#include <string>
#include <vector>

#include "core/json.h"
#include "weights/parameter.h"

namespace iclora::text {

/// text_encoder_2/config.json.
struct T5Config {
  int64_t vocab_size = 32128;
  int64_t d_model = 4096;
  int64_t d_kv = 64;  ///< width of a head
  int64_t d_ff = 10240;
  int64_t num_layers = 24;
  int64_t num_heads = 64;
  int64_t relative_attention_num_buckets = 32;
  int64_t relative_attention_max_distance = 128;
  double layer_norm_epsilon = 1e-6;
};

/// Errors (exit 2) name `origin`, the key, what was expected and what was found.
T5Config t5_config_from_json(const Json& json, const std::string& origin);
Json t5_config_to_json(const T5Config& config);
std::vector<weights::ParameterSpec> parameters(const T5Config& config);
/// What the names of block i's tensors begin with.
std::string t5_block_name(int64_t i);

}  // namespace iclora::text
