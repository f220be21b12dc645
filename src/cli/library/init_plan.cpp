#include "cli/library/init_plan.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "captions/joint_caption.h"
#include "core/error.h"
#include "core/nearest.h"
#include "core/yaml.h"
#include "panels/layout.h"
#include "sampling/request.h"
#include "tokenizers/clip_tokenizer.h"
#include "tokenizers/t5_tokenizer.h"

namespace iclora::cli {
namespace {

namespace fs = std::filesystem;

/// What a file starts from.
InitPlan preset(const std::string& name) {
  InitPlan plan;
  if (name == "flux-dev") return plan;
  if (name == "flux-schnell") {
    plan.configs.transformer.guidance_embeds = false;
    plan.configs.schedule.use_dynamic_shifting = false;
    plan.configs.schedule.shift = 1.0;
    plan.text_length = 256;
    return plan;
  }
  if (name != "toy") {
    fail_input("'preset' must be flux-dev, flux-schnell or toy, but it is '{}'.", printable(name));
  }
  flux::Config& transformer = plan.configs.transformer;
  transformer.num_layers = 1;
  transformer.num_single_layers = 2;
  transformer.attention_head_dim = 32;
  transformer.num_attention_heads = 2;
  transformer.joint_attention_dim = 64;
  transformer.pooled_projection_dim = 64;
  transformer.axes_dims_rope = {4, 14, 14};
  text::ClipConfig& clip = plan.configs.clip;
  clip.vocab_size = 514;
  clip.hidden_size = 64;
  clip.intermediate_size = 256;
  clip.num_hidden_layers = 2;
  clip.num_attention_heads = 2;
  text::T5Config& t5 = plan.configs.t5;
  t5.vocab_size = 256;
  t5.d_model = 64;
  t5.d_kv = 32;
  t5.d_ff = 128;
  t5.num_layers = 2;
  t5.num_heads = 2;
  vae::Config& vae = plan.configs.vae;
  vae.block_out_channels = {16, 16, 32, 32};
  vae.layers_per_block = 1;
  vae.norm_num_groups = 8;
  plan.text_length = 64;
  plan.panel = "64x64";
  return plan;
}

const Json* member(const Json& yaml, const char* key) {
  const auto found = yaml.find(key);
  return found == yaml.end() || found->is_null() ? nullptr : &*found;
}

/// `base` with the keys of the section `key` in its place; a key that the part does not have is an
/// error.
Json overridden(const Json& base, const Json& yaml, const char* key, const std::string& origin) {
  const Json* section = member(yaml, key);
  if (section == nullptr) return base;
  if (!section->is_object()) fail_input("{}: '{}' must be a map of sizes.", origin, key);
  std::vector<std::string> known;
  for (const auto& [name, value] : base.items()) known.push_back(name);
  Json out = base;
  for (const auto& [name, value] : section->items()) {
    if (!base.contains(name)) {
      const auto guess = nearest(name, known);
      fail_input("{}: '{}.{}' is not a size of this part{}.", origin, key, printable(name),
                 guess ? "; did you mean '" + *guess + "'?" : std::string());
    }
    out[name] = value;
  }
  return out;
}

void check_fit(const InitPlan& plan) {
  const sampling::ModelConfigs& c = plan.configs;
  const auto equal = [](const char* a, int64_t x, const char* b, int64_t y) {
    if (x != y) {
      fail_input("The sizes do not fit together: {} is {}, but {} is {}; make them equal.", a, x, b,
                 y);
    }
  };
  equal("transformer.pooled_projection_dim", c.transformer.pooled_projection_dim,
        "text_encoder.hidden_size", c.clip.hidden_size);
  equal("transformer.joint_attention_dim", c.transformer.joint_attention_dim,
        "text_encoder_2.d_model", c.t5.d_model);
  equal("transformer.in_channels", c.transformer.in_channels, "4 * vae.latent_channels",
        4 * c.vae.latent_channels);
  equal("the autoencoder's reduction", c.vae.downscale(), "what FLUX needs", 8);
}

}  // namespace

InitPlan read_init_plan(const fs::path& path, const Json& request) {
  const std::string origin = "'" + printable(path.native(), 400) + "'";
  Json yaml = read_yaml(path);
  if (!yaml.is_object()) fail_input("{} must be a map; `preset: toy` is the shortest.", origin);
  for (const char* key : {"seed", "dtype"}) {
    if (const Json* value = member(request, key)) yaml[key] = *value;
  }
  const std::vector<std::string> known = {
      "preset",      "dtype",       "seed",        "panel",        "dialect",
      "text_length", "shard_bytes", "transformer", "text_encoder", "text_encoder_2",
      "vae",         "scheduler",   "tokenizer",   "tokenizer_2"};
  for (const auto& [key, value] : yaml.items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const auto guess = nearest(key, known);
    fail_input("{}: '{}' is not a key of this file{}.", origin, printable(key),
               guess ? "; did you mean '" + *guess + "'?" : std::string());
  }
  InitPlan plan = preset(json_string_or(yaml, "preset", origin, "flux-dev"));
  sampling::ModelConfigs& configs = plan.configs;
  configs.transformer = flux::config_from_json(
      overridden(flux::config_to_json(configs.transformer), yaml, "transformer", origin),
      origin + ": transformer");
  configs.clip = text::clip_config_from_json(
      overridden(text::clip_config_to_json(configs.clip), yaml, "text_encoder", origin),
      origin + ": text_encoder");
  configs.t5 = text::t5_config_from_json(
      overridden(text::t5_config_to_json(configs.t5), yaml, "text_encoder_2", origin),
      origin + ": text_encoder_2");
  configs.vae = vae::config_from_json(
      overridden(vae::config_to_json(configs.vae), yaml, "vae", origin), origin + ": vae");
  configs.schedule = sampling::schedule_from_json(
      overridden(sampling::schedule_to_json(configs.schedule), yaml, "scheduler", origin),
      origin + ": scheduler");
  plan.text_length = json_integer_or(yaml, "text_length", origin, 1, 512, plan.text_length);
  plan.text_length_stated = member(yaml, "text_length") != nullptr;
  if (member(yaml, "panel") != nullptr) {
    plan.panel = json_string(yaml, "panel", origin);
    const sampling::Size size =
        *sampling::request_from_json({{"panel", *plan.panel}}, origin).panel;
    panels::check_token_multiple(size.width, size.height, origin + ": panel");
  }
  if (member(yaml, "dialect") != nullptr) {
    plan.dialect = json_string(yaml, "dialect", origin);
    captions::dialect_from_name(*plan.dialect);
  }
  // Paths are meant from where the file lies.
  for (const auto& [key, place] :
       {std::pair("tokenizer", &plan.tokenizer), {"tokenizer_2", &plan.tokenizer_2}}) {
    if (member(yaml, key) != nullptr) *place = path.parent_path() / json_string(yaml, key, origin);
  }
  // A vocabulary that is not stated is as large as the tokenizer that was given.
  const auto states_size = [&](const char* part) {
    const Json* section = member(yaml, part);
    return section != nullptr && section->contains("vocab_size");
  };
  if (plan.tokenizer && !states_size("text_encoder")) {
    configs.clip.vocab_size =
        std::max(configs.clip.vocab_size,
                 tokenizers::ClipTokenizer::open(*plan.tokenizer).vocabulary_size());
  }
  if (plan.tokenizer_2 && !states_size("text_encoder_2")) {
    configs.t5.vocab_size = std::max(
        configs.t5.vocab_size, tokenizers::T5Tokenizer::open(*plan.tokenizer_2).vocabulary_size());
  }
  plan.init.seed = static_cast<uint64_t>(json_integer_or(yaml, "seed", origin, 0, INT64_MAX, 0));
  plan.init.maximum_shard_bytes = static_cast<uint64_t>(
      json_integer_or(yaml, "shard_bytes", origin, 1000, INT64_MAX, 10'000'000'000));
  const std::string dtype = json_string_or(yaml, "dtype", origin, "bf16");
  if (dtype != "bf16" && dtype != "fp32") {
    fail_input("{}: 'dtype' must be bf16 or fp32, but it is '{}'.", origin, printable(dtype));
  }
  plan.init.dtype = dtype == "bf16" ? weights::Dtype::bf16 : weights::Dtype::f32;
  check_fit(plan);
  return plan;
}

}  // namespace iclora::cli
