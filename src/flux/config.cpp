#include "flux/config.h"

#include <cmath>
#include <numeric>

#include "core/error.h"

namespace iclora::flux {
namespace {

std::vector<int64_t> axes_from_json(const Json& json, const std::string& origin,
                                    std::vector<int64_t> fallback) {
  const auto found = json.find("axes_dims_rope");
  if (found == json.end()) return fallback;
  bool valid = found->is_array() && found->size() == 3;
  std::vector<int64_t> axes;
  for (size_t i = 0; valid && i < found->size(); ++i) {
    const Json& value = (*found)[i];
    valid =
        value.is_number_integer() && value >= 2 && value <= 4096 && value.get<int64_t>() % 2 == 0;
    if (valid) axes.push_back(value.get<int64_t>());
  }
  if (!valid) {
    fail_input(
        "{}: 'axes_dims_rope' must be three even numbers (frame, row, column), but there is {}.",
        printable(origin), printable(found->dump(), 60));
  }
  return axes;
}

}  // namespace

Config config_from_json(const Json& json, const std::string& origin) {
  if (!json.is_object()) fail_input("{} must hold a JSON object.", printable(origin));
  const std::string kind = json_string_or(json, "_class_name", origin, "FluxTransformer2DModel");
  if (kind != "FluxTransformer2DModel") {
    fail_input(
        "{}: the model is a '{}', expected a 'FluxTransformer2DModel'; name a FLUX.1 folder.",
        printable(origin), printable(kind));
  }
  Config config;
  config.in_channels = json_integer_or(json, "in_channels", origin, 4, 1 << 16, 64);
  config.num_layers = json_integer_or(json, "num_layers", origin, 0, 1000, 19);
  config.num_single_layers = json_integer_or(json, "num_single_layers", origin, 0, 1000, 38);
  config.attention_head_dim = json_integer_or(json, "attention_head_dim", origin, 2, 4096, 128);
  config.num_attention_heads = json_integer_or(json, "num_attention_heads", origin, 1, 1024, 24);
  config.joint_attention_dim =
      json_integer_or(json, "joint_attention_dim", origin, 1, 1 << 16, 4096);
  config.pooled_projection_dim =
      json_integer_or(json, "pooled_projection_dim", origin, 1, 1 << 16, 768);
  config.guidance_embeds = json_bool_or(json, "guidance_embeds", origin, false);
  config.axes_dims_rope = axes_from_json(json, origin, config.axes_dims_rope);

  const int64_t turned =
      std::accumulate(config.axes_dims_rope.begin(), config.axes_dims_rope.end(), int64_t{0});
  if (turned != config.attention_head_dim) {
    fail_input(
        "{}: 'axes_dims_rope' adds up to {}, but 'attention_head_dim' is {}; they must be equal.",
        printable(origin), turned, config.attention_head_dim);
  }
  if (config.in_channels % 4 != 0) {
    fail_input(
        "{}: 'in_channels' is {}, but a token holds 2 x 2 latent pixels, so it must divide by 4.",
        printable(origin), config.in_channels);
  }
  if (json_integer_or(json, "patch_size", origin, 1, 1024, 1) != 1) {
    fail_input("{}: 'patch_size' must be 1, as in every published FLUX.1.", printable(origin));
  }
  if (json_integer_or(json, "out_channels", origin, 1, 1 << 16, config.in_channels) !=
      config.in_channels) {
    fail_input(
        "{}: 'out_channels' differs from 'in_channels' ({}); models with extra input channels "
        "(fill, depth, canny) are not read.",
        printable(origin), config.in_channels);
  }
  return config;
}

Json config_to_json(const Config& config) {
  return {{"_class_name", "FluxTransformer2DModel"},
          {"_diffusers_version", "0.30.0"},
          {"attention_head_dim", config.attention_head_dim},
          {"axes_dims_rope", config.axes_dims_rope},
          {"guidance_embeds", config.guidance_embeds},
          {"in_channels", config.in_channels},
          {"joint_attention_dim", config.joint_attention_dim},
          {"num_attention_heads", config.num_attention_heads},
          {"num_layers", config.num_layers},
          {"num_single_layers", config.num_single_layers},
          {"out_channels", nullptr},
          {"patch_size", 1},
          {"pooled_projection_dim", config.pooled_projection_dim}};
}

namespace {

/// Collects what a linear layer or a norm needs.
class ParameterList {
 public:
  void linear(const std::string& name, int64_t in, int64_t out) {
    list_.push_back({name + ".weight",
                     {out, in},
                     weights::init_normal(1 / std::sqrt(static_cast<double>(in)))});
    list_.push_back({name + ".bias", {out}, weights::init_normal(0.02)});
  }
  /// A layer whose output scales a residual branch; small, so that depth keeps activations natural.
  void modulation(const std::string& name, int64_t in, int64_t out) {
    list_.push_back({name + ".weight",
                     {out, in},
                     weights::init_normal(0.3 / std::sqrt(static_cast<double>(in)))});
    list_.push_back({name + ".bias", {out}, weights::init_normal(0.3)});
  }
  void norm(const std::string& name, int64_t width) {
    list_.push_back({name + ".weight", {width}, weights::init_ones()});
  }
  std::vector<weights::ParameterSpec> take() { return std::move(list_); }

 private:
  std::vector<weights::ParameterSpec> list_;
};

void add_double_block(ParameterList& list, const std::string& block, const Config& config) {
  const int64_t width = config.width();
  for (const char* suffix : {"", "_context"}) {
    list.modulation(block + ".norm1" + suffix + ".linear", width, 6 * width);
    list.linear(block + ".ff" + suffix + ".net.0.proj", width, config.mlp_width());
    list.linear(block + ".ff" + suffix + ".net.2", config.mlp_width(), width);
  }
  for (const char* name : {"to_q", "to_k", "to_v", "to_out.0", "add_q_proj", "add_k_proj",
                           "add_v_proj", "to_add_out"}) {
    list.linear(block + ".attn." + name, width, width);
  }
  for (const char* name : {"norm_q", "norm_k", "norm_added_q", "norm_added_k"}) {
    list.norm(block + ".attn." + name, config.attention_head_dim);
  }
}

void add_single_block(ParameterList& list, const std::string& block, const Config& config) {
  const int64_t width = config.width();
  list.modulation(block + ".norm.linear", width, 3 * width);
  for (const char* name : {"to_q", "to_k", "to_v"}) {
    list.linear(block + ".attn." + name, width, width);
  }
  list.norm(block + ".attn.norm_q", config.attention_head_dim);
  list.norm(block + ".attn.norm_k", config.attention_head_dim);
  list.linear(block + ".proj_mlp", width, config.mlp_width());
  list.linear(block + ".proj_out", width + config.mlp_width(), width);
}

}  // namespace

std::vector<weights::ParameterSpec> parameters(const Config& config) {
  const int64_t width = config.width();
  ParameterList list;
  list.linear("x_embedder", config.in_channels, width);
  list.linear("context_embedder", config.joint_attention_dim, width);
  const auto embedder = [&](const std::string& name, int64_t in) {
    list.linear("time_text_embed." + name + ".linear_1", in, width);
    list.linear("time_text_embed." + name + ".linear_2", width, width);
  };
  embedder("timestep_embedder", 256);
  if (config.guidance_embeds) embedder("guidance_embedder", 256);
  embedder("text_embedder", config.pooled_projection_dim);
  for (int64_t i = 0; i < config.num_layers; ++i) {
    add_double_block(list, fmt::format("transformer_blocks.{}", i), config);
  }
  for (int64_t i = 0; i < config.num_single_layers; ++i) {
    add_single_block(list, fmt::format("single_transformer_blocks.{}", i), config);
  }
  list.modulation("norm_out.linear", width, 2 * width);
  list.linear("proj_out", width, config.in_channels);
  return list.take();
}

}  // namespace iclora::flux
