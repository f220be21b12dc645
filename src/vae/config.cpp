#include "vae/config.h"

#include <cmath>

#include "core/error.h"

namespace iclora::vae {
namespace {

/// Every block of `kind` in the list must be the plain convolutional one.
void check_block_types(const Json& json, const char* key, const std::string& plain, size_t count,
                       const std::string& origin) {
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return;
  bool valid = found->is_array() && found->size() == count;
  for (size_t i = 0; valid && i < found->size(); ++i) valid = (*found)[i] == plain;
  if (!valid) {
    fail_input("{}: '{}' must be {} times \"{}\", one for each of 'block_out_channels'.",
               printable(origin), key, count, plain);
  }
}

class ParameterList {
 public:
  void conv(const std::string& name, int64_t in, int64_t out, int64_t kernel) {
    const double fan_in = static_cast<double>(in * kernel * kernel);
    list_.push_back(
        {name + ".weight", {out, in, kernel, kernel}, weights::init_normal(1 / std::sqrt(fan_in))});
    list_.push_back({name + ".bias", {out}, weights::init_zeros()});
  }
  void norm(const std::string& name, int64_t channels) {
    list_.push_back({name + ".weight", {channels}, weights::init_ones()});
    list_.push_back({name + ".bias", {channels}, weights::init_zeros()});
  }
  void linear(const std::string& name, int64_t channels) {
    list_.push_back({name + ".weight",
                     {channels, channels},
                     weights::init_normal(1 / std::sqrt(static_cast<double>(channels)))});
    list_.push_back({name + ".bias", {channels}, weights::init_zeros()});
  }
  void resnet(const std::string& name, int64_t in, int64_t out) {
    norm(name + ".norm1", in);
    conv(name + ".conv1", in, out, 3);
    norm(name + ".norm2", out);
    conv(name + ".conv2", out, out, 3);
    if (in != out) conv(name + ".conv_shortcut", in, out, 1);
  }
  void mid(const std::string& name, int64_t channels, bool attention) {
    resnet(name + ".resnets.0", channels, channels);
    if (attention) {
      norm(name + ".attentions.0.group_norm", channels);
      for (const char* part : {"to_q", "to_k", "to_v", "to_out.0"}) {
        linear(name + ".attentions.0." + part, channels);
      }
    }
    resnet(name + ".resnets.1", channels, channels);
  }
  std::vector<weights::ParameterSpec> take() { return std::move(list_); }

 private:
  std::vector<weights::ParameterSpec> list_;
};

}  // namespace

Config config_from_json(const Json& json, const std::string& origin) {
  if (!json.is_object()) fail_input("{} must hold a JSON object.", printable(origin));
  const std::string kind = json_string_or(json, "_class_name", origin, "AutoencoderKL");
  if (kind != "AutoencoderKL") {
    fail_input("{}: the autoencoder is a '{}', expected an 'AutoencoderKL'.", printable(origin),
               printable(kind));
  }
  Config config;
  config.in_channels = json_integer_or(json, "in_channels", origin, 3, 3, 3);
  json_integer_or(json, "out_channels", origin, 3, 3, 3);
  config.latent_channels = json_integer_or(json, "latent_channels", origin, 1, 4096, 4);
  config.layers_per_block = json_integer_or(json, "layers_per_block", origin, 1, 100, 1);
  config.norm_num_groups = json_integer_or(json, "norm_num_groups", origin, 1, 4096, 32);
  config.scaling_factor = json_number_or(json, "scaling_factor", origin, 0.18215);
  config.shift_factor = json_number_or(json, "shift_factor", origin, 0.0);
  config.use_quant_conv = json_bool_or(json, "use_quant_conv", origin, true);
  config.use_post_quant_conv = json_bool_or(json, "use_post_quant_conv", origin, true);
  config.mid_block_add_attention = json_bool_or(json, "mid_block_add_attention", origin, true);
  if (!(config.scaling_factor > 1e-6 && config.scaling_factor < 1e6)) {
    fail_input("{}: 'scaling_factor' is {}, but must be above 0, such as 0.3611.",
               printable(origin), config.scaling_factor);
  }
  if (!(std::abs(config.shift_factor) < 1e6)) {
    fail_input("{}: 'shift_factor' is {}, expected a number such as 0.1159.", printable(origin),
               config.shift_factor);
  }
  for (const char* key : {"latents_mean", "latents_std"}) {
    const auto found = json.find(key);
    if (found == json.end() || found->is_null()) continue;
    fail_input(
        "{}: '{}' is set, but latents are scaled by 'scaling_factor' and 'shift_factor' only.",
        printable(origin), key);
  }
  if (json_string_or(json, "act_fn", origin, "silu") != "silu") {
    fail_input("{}: 'act_fn' must be \"silu\".", printable(origin));
  }
  const auto channels = json.find("block_out_channels");
  if (channels == json.end() || !channels->is_array() || channels->empty() ||
      channels->size() > 8) {
    fail_input("{}: 'block_out_channels' must be a list of 1 to 8 sizes.", printable(origin));
  }
  config.block_out_channels.clear();
  for (const Json& value : *channels) {
    if (!value.is_number_integer() || value < 1 || value > 8192 ||
        value.get<int64_t>() % config.norm_num_groups != 0) {
      fail_input(
          "{}: each of 'block_out_channels' must be a multiple of 'norm_num_groups' ({}) and at "
          "most "
          "8192, but there is {}.",
          printable(origin), config.norm_num_groups, printable(value.dump(), 40));
    }
    config.block_out_channels.push_back(value.get<int64_t>());
  }
  const size_t count = config.block_out_channels.size();
  check_block_types(json, "down_block_types", "DownEncoderBlock2D", count, origin);
  check_block_types(json, "up_block_types", "UpDecoderBlock2D", count, origin);
  return config;
}

Json config_to_json(const Config& config) {
  const size_t count = config.block_out_channels.size();
  return {{"_class_name", "AutoencoderKL"},
          {"_diffusers_version", "0.30.0"},
          {"act_fn", "silu"},
          {"block_out_channels", config.block_out_channels},
          {"down_block_types", std::vector<std::string>(count, "DownEncoderBlock2D")},
          {"force_upcast", true},
          {"in_channels", config.in_channels},
          {"latent_channels", config.latent_channels},
          {"layers_per_block", config.layers_per_block},
          {"mid_block_add_attention", config.mid_block_add_attention},
          {"norm_num_groups", config.norm_num_groups},
          {"out_channels", config.in_channels},
          {"sample_size", 1024},
          {"scaling_factor", config.scaling_factor},
          {"shift_factor", config.shift_factor},
          {"up_block_types", std::vector<std::string>(count, "UpDecoderBlock2D")},
          {"use_post_quant_conv", config.use_post_quant_conv},
          {"use_quant_conv", config.use_quant_conv}};
}

std::vector<weights::ParameterSpec> parameters(const Config& config) {
  const auto& channels = config.block_out_channels;
  const int64_t moments = 2 * config.latent_channels;
  ParameterList list;

  list.conv("encoder.conv_in", config.in_channels, channels.front(), 3);
  int64_t width = channels.front();
  for (size_t i = 0; i < channels.size(); ++i) {
    const std::string block = fmt::format("encoder.down_blocks.{}", i);
    for (int64_t layer = 0; layer < config.layers_per_block; ++layer) {
      list.resnet(fmt::format("{}.resnets.{}", block, layer), width, channels[i]);
      width = channels[i];
    }
    if (i + 1 < channels.size()) list.conv(block + ".downsamplers.0.conv", width, width, 3);
  }
  list.mid("encoder.mid_block", width, config.mid_block_add_attention);
  list.norm("encoder.conv_norm_out", width);
  list.conv("encoder.conv_out", width, moments, 3);
  if (config.use_quant_conv) list.conv("quant_conv", moments, moments, 1);

  if (config.use_post_quant_conv) {
    list.conv("post_quant_conv", config.latent_channels, config.latent_channels, 1);
  }
  list.conv("decoder.conv_in", config.latent_channels, width, 3);
  list.mid("decoder.mid_block", width, config.mid_block_add_attention);
  for (size_t i = 0; i < channels.size(); ++i) {
    const std::string block = fmt::format("decoder.up_blocks.{}", i);
    const int64_t out = channels[channels.size() - 1 - i];
    for (int64_t layer = 0; layer <= config.layers_per_block; ++layer) {
      list.resnet(fmt::format("{}.resnets.{}", block, layer), width, out);
      width = out;
    }
    if (i + 1 < channels.size()) list.conv(block + ".upsamplers.0.conv", width, width, 3);
  }
  list.norm("decoder.conv_norm_out", width);
  list.conv("decoder.conv_out", width, config.in_channels, 3);
  return list.take();
}

}  // namespace iclora::vae
