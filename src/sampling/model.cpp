#include "sampling/model.h"

#include <algorithm>

#include "core/error.h"
#include "core/hash.h"
#include "weights/checkpoint.h"
#include "weights/coverage.h"

namespace iclora::sampling {
namespace {

// The longest text FLUX.1 was trained with; without a guidance embedding (schnell) half of it.
constexpr int64_t kLongestText = 512;
constexpr int64_t kLongestTextWithoutGuidance = 256;

std::string origin_of(const weights::Component& component) {
  return "'" + printable(component.config_path.native(), 400) + "'";
}

/// A config that asks for less than its files hold (no blocks, no guidance embedding) makes another
/// model of them, and nothing else would say so.
void warn_of_unused(const weights::Component& part,
                    const std::vector<weights::ParameterSpec>& parameters, bool encoder,
                    std::vector<std::string>& warnings) {
  auto unused = weights::coverage_of(weights::Checkpoint::open(part.folder), parameters).unexpected;
  if (encoder) std::erase_if(unused, weights::is_no_part_of_encoder);
  if (unused.empty()) return;
  warnings.push_back(fmt::format(
      "{} does not ask for {} of the tensors beside it ('{}'{}); they are not used. If it was "
      "changed by hand, `iclora inspect` on the model's folder lists them.",
      origin_of(part), unused.size(), printable(unused.front()), unused.size() > 1 ? ", ..." : ""));
}

/// Of the model's index and configs: tells models apart without reading gigabytes.
std::string model_hash(const weights::ModelFolder& folder) {
  Sha256 hash;
  for (const weights::Component* part : {&folder.transformer, &folder.text_encoder,
                                         &folder.text_encoder_2, &folder.vae, &folder.scheduler}) {
    hash.update(part->config.dump());
    if (part == &folder.scheduler) continue;
    const auto checkpoint = weights::Checkpoint::open(part->folder);
    for (const auto& [name, tensor] : checkpoint.tensors()) {
      // A slice of every tensor: enough to notice another training of the same sizes.
      hash.update(name);
      hash.update(tensor.bytes.first(std::min<size_t>(tensor.bytes.size(), 256)));
    }
  }
  return hash.hex();
}

void check_equal(int64_t a, const char* key_a, const weights::Component& in_a, int64_t b,
                 const char* key_b, const weights::Component& in_b) {
  if (a == b) return;
  fail_input("{}: '{}' is {}, but {} says '{}' {}; the parts do not belong to one model.",
             origin_of(in_a), key_a, a, origin_of(in_b), key_b, b);
}

}  // namespace

ModelConfigs read_configs(const weights::ModelFolder& folder) {
  ModelConfigs configs;
  configs.transformer =
      flux::config_from_json(folder.transformer.config, origin_of(folder.transformer));
  configs.clip =
      text::clip_config_from_json(folder.text_encoder.config, origin_of(folder.text_encoder));
  configs.t5 =
      text::t5_config_from_json(folder.text_encoder_2.config, origin_of(folder.text_encoder_2));
  configs.vae = vae::config_from_json(folder.vae.config, origin_of(folder.vae));
  configs.schedule = schedule_from_json(folder.scheduler.config, origin_of(folder.scheduler));
  check_equal(configs.transformer.pooled_projection_dim, "pooled_projection_dim",
              folder.transformer, configs.clip.hidden_size, "hidden_size", folder.text_encoder);
  check_equal(configs.transformer.joint_attention_dim, "joint_attention_dim", folder.transformer,
              configs.t5.d_model, "d_model", folder.text_encoder_2);
  check_equal(configs.transformer.in_channels / 4, "in_channels / 4", folder.transformer,
              configs.vae.latent_channels, "latent_channels", folder.vae);
  if (configs.vae.downscale() != 8) {
    fail_input("{}: the autoencoder makes pictures {} times smaller, expected 8 (four blocks).",
               origin_of(folder.vae), configs.vae.downscale());
  }
  return configs;
}

OpenModel open_model(const std::string& name, const std::vector<std::filesystem::path>& search) {
  OpenModel out;
  out.folder = weights::open_model_folder(weights::resolve_model(name, search));
  out.configs = read_configs(out.folder);
  out.model_sha256 = model_hash(out.folder);
  const ModelConfigs& configs = out.configs;
  warn_of_unused(out.folder.transformer, flux::parameters(configs.transformer), false,
                 out.warnings);
  warn_of_unused(out.folder.text_encoder, text::parameters(configs.clip), true, out.warnings);
  warn_of_unused(out.folder.text_encoder_2, text::parameters(configs.t5), true, out.warnings);
  warn_of_unused(out.folder.vae, vae::parameters(configs.vae), false, out.warnings);
  out.clip_tokenizer = tokenizers::ClipTokenizer::open(out.folder.tokenizer);
  out.t5_tokenizer = tokenizers::T5Tokenizer::open(out.folder.tokenizer_2);
  if (out.clip_tokenizer->vocabulary_size() > out.configs.clip.vocab_size ||
      out.t5_tokenizer->vocabulary_size() > out.configs.t5.vocab_size) {
    fail_input(
        "The tokenizers of '{}' have ids beyond the text encoders' vocabularies ({} of {}, {} "
        "of {}); they belong to another model.",
        printable(out.folder.path.native(), 400), out.clip_tokenizer->vocabulary_size(),
        out.configs.clip.vocab_size, out.t5_tokenizer->vocabulary_size(),
        out.configs.t5.vocab_size);
  }
  return out;
}

int64_t default_text_length(const OpenModel& model) {
  const int64_t longest =
      model.configs.transformer.guidance_embeds ? kLongestText : kLongestTextWithoutGuidance;
  return std::min(model.t5_tokenizer->model_max_length(), longest);
}

}  // namespace iclora::sampling
