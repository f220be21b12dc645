#include "text/clip_config.h"

#include <cmath>

#include "core/error.h"

namespace iclora::text {
std::string clip_layer_name(int64_t i) {
  return fmt::format("text_model.encoder.layers.{}.", i);
}

ClipConfig clip_config_from_json(const Json& json, const std::string& origin) {
  if (!json.is_object()) fail_input("{} must hold a JSON object.", printable(origin));
  const std::string kind = json_string_or(json, "model_type", origin, "clip_text_model");
  if (kind != "clip_text_model") {
    fail_input("{}: 'model_type' is '{}', expected \"clip_text_model\".", printable(origin),
               printable(kind));
  }
  ClipConfig config;
  config.vocab_size = json_integer_or(json, "vocab_size", origin, 3, 1 << 24, 49408);
  config.hidden_size = json_integer_or(json, "hidden_size", origin, 1, 1 << 16, 512);
  config.intermediate_size = json_integer_or(json, "intermediate_size", origin, 1, 1 << 18, 2048);
  config.num_hidden_layers = json_integer_or(json, "num_hidden_layers", origin, 1, 1000, 12);
  config.num_attention_heads = json_integer_or(json, "num_attention_heads", origin, 1, 1024, 8);
  config.max_position_embeddings =
      json_integer_or(json, "max_position_embeddings", origin, 2, 1 << 16, 77);
  config.eos_token_id = json_integer_or(json, "eos_token_id", origin, 0, 1 << 24, 49407);
  config.layer_norm_eps = json_number_or(json, "layer_norm_eps", origin, 1e-5);
  const std::string activation = json_string_or(json, "hidden_act", origin, "quick_gelu");
  config.quick_gelu = activation == "quick_gelu";
  if (!config.quick_gelu && activation != "gelu") {
    fail_input("{}: 'hidden_act' must be \"quick_gelu\" or \"gelu\", but it is '{}'.",
               printable(origin), printable(activation));
  }
  if (config.hidden_size % config.num_attention_heads != 0) {
    fail_input("{}: 'hidden_size' ({}) does not divide by 'num_attention_heads' ({}).",
               printable(origin), config.hidden_size, config.num_attention_heads);
  }
  if (!(config.layer_norm_eps > 0 && config.layer_norm_eps < 1)) {
    fail_input("{}: 'layer_norm_eps' is {}, expected a number between 0 and 1.", printable(origin),
               config.layer_norm_eps);
  }
  if (config.eos_token_id >= config.vocab_size) {
    fail_input("{}: 'eos_token_id' is {}, but the vocabulary has {} tokens.", printable(origin),
               config.eos_token_id, config.vocab_size);
  }
  return config;
}

Json clip_config_to_json(const ClipConfig& config) {
  return {{"architectures", {"CLIPTextModel"}},
          {"attention_dropout", 0.0},
          {"bos_token_id", 0},
          {"dropout", 0.0},
          {"eos_token_id", config.eos_token_id},
          {"hidden_act", config.quick_gelu ? "quick_gelu" : "gelu"},
          {"hidden_size", config.hidden_size},
          {"initializer_factor", 1.0},
          {"initializer_range", 0.02},
          {"intermediate_size", config.intermediate_size},
          {"layer_norm_eps", config.layer_norm_eps},
          {"max_position_embeddings", config.max_position_embeddings},
          {"model_type", "clip_text_model"},
          {"num_attention_heads", config.num_attention_heads},
          {"num_hidden_layers", config.num_hidden_layers},
          {"pad_token_id", 1},
          {"projection_dim", config.hidden_size},
          {"vocab_size", config.vocab_size}};
}

std::vector<weights::ParameterSpec> parameters(const ClipConfig& config) {
  const int64_t width = config.hidden_size;
  std::vector<weights::ParameterSpec> list;
  const auto linear = [&](const std::string& name, int64_t in, int64_t out) {
    list.push_back({name + ".weight",
                    {out, in},
                    weights::init_normal(1 / std::sqrt(static_cast<double>(in)))});
    list.push_back({name + ".bias", {out}, weights::init_zeros()});
  };
  const auto norm = [&](const std::string& name) {
    list.push_back({name + ".weight", {width}, weights::init_ones()});
    list.push_back({name + ".bias", {width}, weights::init_zeros()});
  };
  const std::string embeddings = "text_model.embeddings.";
  list.push_back({embeddings + "token_embedding.weight",
                  {config.vocab_size, width},
                  weights::init_normal(1.0)});
  list.push_back({embeddings + "position_embedding.weight",
                  {config.max_position_embeddings, width},
                  weights::init_normal(0.1)});
  for (int64_t i = 0; i < config.num_hidden_layers; ++i) {
    norm(clip_layer_name(i) + "layer_norm1");
    for (const char* name : {"q_proj", "k_proj", "v_proj", "out_proj"}) {
      linear(clip_layer_name(i) + "self_attn." + name, width, width);
    }
    norm(clip_layer_name(i) + "layer_norm2");
    linear(clip_layer_name(i) + "mlp.fc1", width, config.intermediate_size);
    linear(clip_layer_name(i) + "mlp.fc2", config.intermediate_size, width);
  }
  norm("text_model.final_layer_norm");
  return list;
}

}  // namespace iclora::text
