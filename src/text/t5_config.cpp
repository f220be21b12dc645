#include "text/t5_config.h"

#include <cmath>

#include "core/error.h"

namespace iclora::text {
std::string t5_block_name(int64_t i) {
  return fmt::format("encoder.block.{}.layer.", i);
}

T5Config t5_config_from_json(const Json& json, const std::string& origin) {
  if (!json.is_object()) fail_input("{} must hold a JSON object.", printable(origin));
  const std::string kind = json_string_or(json, "model_type", origin, "t5");
  if (kind != "t5") {
    fail_input("{}: 'model_type' is '{}', expected \"t5\".", printable(origin), printable(kind));
  }
  T5Config config;
  config.vocab_size = json_integer_or(json, "vocab_size", origin, 3, 1 << 24, 32128);
  config.d_model = json_integer_or(json, "d_model", origin, 1, 1 << 16, 512);
  config.d_kv = json_integer_or(json, "d_kv", origin, 1, 4096, 64);
  config.d_ff = json_integer_or(json, "d_ff", origin, 1, 1 << 18, 2048);
  config.num_layers = json_integer_or(json, "num_layers", origin, 1, 1000, 6);
  config.num_heads = json_integer_or(json, "num_heads", origin, 1, 1024, 8);
  config.relative_attention_num_buckets =
      json_integer_or(json, "relative_attention_num_buckets", origin, 4, 1 << 16, 32);
  config.relative_attention_max_distance =
      json_integer_or(json, "relative_attention_max_distance", origin, 2, 1 << 20, 128);
  config.layer_norm_epsilon = json_number_or(json, "layer_norm_epsilon", origin, 1e-6);
  const std::string activation = json_string_or(json, "feed_forward_proj", origin, "relu");
  if (activation != "gated-gelu") {
    fail_input("{}: 'feed_forward_proj' must be \"gated-gelu\" (T5 v1.1), but it is '{}'.",
               printable(origin), printable(activation));
  }
  if (config.relative_attention_max_distance <= config.relative_attention_num_buckets / 4) {
    fail_input(
        "{}: 'relative_attention_max_distance' is {}, but must be above a quarter of "
        "'relative_attention_num_buckets' ({}).",
        printable(origin), config.relative_attention_max_distance,
        config.relative_attention_num_buckets);
  }
  if (!(config.layer_norm_epsilon > 0 && config.layer_norm_epsilon < 1)) {
    fail_input("{}: 'layer_norm_epsilon' is {}, expected a number between 0 and 1.",
               printable(origin), config.layer_norm_epsilon);
  }
  return config;
}

Json t5_config_to_json(const T5Config& config) {
  return {{"architectures", {"T5EncoderModel"}},
          {"d_ff", config.d_ff},
          {"d_kv", config.d_kv},
          {"d_model", config.d_model},
          {"decoder_start_token_id", 0},
          {"dense_act_fn", "gelu_new"},
          {"dropout_rate", 0.1},
          {"eos_token_id", 1},
          {"feed_forward_proj", "gated-gelu"},
          {"initializer_factor", 1.0},
          {"is_encoder_decoder", true},
          {"is_gated_act", true},
          {"layer_norm_epsilon", config.layer_norm_epsilon},
          {"model_type", "t5"},
          {"num_decoder_layers", config.num_layers},
          {"num_heads", config.num_heads},
          {"num_layers", config.num_layers},
          {"pad_token_id", 0},
          {"relative_attention_max_distance", config.relative_attention_max_distance},
          {"relative_attention_num_buckets", config.relative_attention_num_buckets},
          {"tie_word_embeddings", false},
          {"use_cache", true},
          {"vocab_size", config.vocab_size}};
}

std::vector<weights::ParameterSpec> parameters(const T5Config& config) {
  const int64_t inner = config.num_heads * config.d_kv;
  std::vector<weights::ParameterSpec> list;
  const auto matrix = [&](const std::string& name, int64_t in, int64_t out, double gain) {
    list.push_back({name + ".weight",
                    {out, in},
                    weights::init_normal(gain / std::sqrt(static_cast<double>(in)))});
  };
  const auto norm = [&](const std::string& name) {
    list.push_back({name + ".weight", {config.d_model}, weights::init_ones()});
  };
  list.push_back({"shared.weight", {config.vocab_size, config.d_model}, weights::init_normal(1.0)});
  for (int64_t i = 0; i < config.num_layers; ++i) {
    const std::string attention = t5_block_name(i) + "0.SelfAttention.";
    // The logits are not scaled, so q is born small.
    matrix(attention + "q", config.d_model, inner, 1 / std::sqrt(static_cast<double>(config.d_kv)));
    matrix(attention + "k", config.d_model, inner, 1);
    matrix(attention + "v", config.d_model, inner, 1);
    matrix(attention + "o", inner, config.d_model, 1);
    if (i == 0) {
      list.push_back({attention + "relative_attention_bias.weight",
                      {config.relative_attention_num_buckets, config.num_heads},
                      weights::init_normal(0.5)});
    }
    norm(t5_block_name(i) + "0.layer_norm");
    matrix(t5_block_name(i) + "1.DenseReluDense.wi_0", config.d_model, config.d_ff, 1);
    matrix(t5_block_name(i) + "1.DenseReluDense.wi_1", config.d_model, config.d_ff, 1);
    matrix(t5_block_name(i) + "1.DenseReluDense.wo", config.d_ff, config.d_model, 1);
    norm(t5_block_name(i) + "1.layer_norm");
  }
  norm("encoder.final_layer_norm");
  return list;
}

}  // namespace iclora::text
