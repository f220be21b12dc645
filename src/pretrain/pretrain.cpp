#include "pretrain/pretrain.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "core/error.h"
#include "core/hash.h"
#include "pretrain/transformer_stage.h"
#include "pretrain/vae_stage.h"
#include "runtime/file_weights.h"
#include "sampling/model.h"
#include "train/result_file.h"
#include "weights/safetensors.h"

namespace iclora::pretrain {
namespace {

constexpr auto kDtype = at::kBFloat16;
constexpr const char* kDiffusersWeights = "diffusion_pytorch_model.safetensors";

/// Writes those tensors whose name begins with `prefix`, without it, as one of the model's files.
void write_part(const std::filesystem::path& path, const train::TrainedTensors& trained,
                const std::vector<at::Tensor>& values, const std::string& prefix) {
  train::TrainedTensors part;
  std::vector<at::Tensor> part_values;
  for (size_t i = 0; i < trained.size(); ++i) {
    const bool head = trained[i].name.starts_with("head:");
    if (head || !trained[i].name.starts_with(prefix)) continue;
    part.push_back(trained[i]);
    part.back().name = trained[i].name.substr(prefix.size());
    part_values.push_back(values[i]);
  }
  train::write_weights(path, part, part_values, run::SavePrecision::bf16);
}

/// Of the tensors that latents depend on: another decoder leaves them valid.
std::string encoder_sha256(const std::filesystem::path& path) {
  const auto file = weights::SafetensorsFile::open(path);
  Sha256 hash;
  for (const weights::TensorEntry& entry : file->entries()) {
    if (!entry.name.starts_with("encoder.")) continue;
    const auto bytes = file->bytes(entry);
    hash.update(entry.name);
    hash.update({reinterpret_cast<const char*>(bytes.data()), bytes.size()});  // NOLINT
  }
  return hash.hex();
}

Classes classes_of(const Recipe& recipe) {
  return read_pack(recipe.text.held_out, nullptr, nullptr).classes;
}

}  // namespace

void pretrain(const Recipe& recipe, const PretrainOptions& options, Progress& progress) {
  const c10::NoGradGuard no_grad;
  const sampling::OpenModel model = sampling::open_model((options.out / "model").native(), {});
  const weights::ModelFolder& folder = model.folder;
  const auto wanted = [&](const char* stage) {
    return options.stages.empty() ||
           std::find(options.stages.begin(), options.stages.end(), stage) != options.stages.end();
  };

  if (wanted("vae")) {
    Autoencoder autoencoder = load_autoencoder(folder.vae.folder, model.configs.vae, kDtype);
    const SaveFunction save = [&](const auto& trained, const auto& values) {
      write_part(folder.vae.folder / kDiffusersWeights, trained, values, "");
    };
    if (!recipe.from) begin_autoencoder(autoencoder);
    train_autoencoder(autoencoder, recipe.vae, recipe.seed, options.out / "vae", save, progress);
  }
  const auto load_texts = [&](at::ScalarType dtype) {
    return load_text_encoders(folder.text_encoder_2.folder, model.configs.t5,
                              folder.text_encoder.folder, model.configs.clip, classes_of(recipe),
                              dtype);
  };
  if (wanted("text")) {
    TextEncoders texts = load_texts(at::kFloat);
    const SaveFunction save = [&](const auto& trained, const auto& values) {
      write_part(folder.text_encoder_2.folder / "model.safetensors", trained, values, "t5:");
      write_part(folder.text_encoder.folder / "model.safetensors", trained, values, "clip:");
    };
    train_text_encoders(texts, recipe.text, recipe.seed, *model.t5_tokenizer, *model.clip_tokenizer,
                        options.out / "text", save, progress);
  }
  const bool guidance = wanted("guidance") && recipe.guidance;
  if (!options.stages.empty() && wanted("guidance") && !recipe.guidance) {
    fail_input("The recipe has no stage 'guidance'; add one, or do not ask for it.");
  }
  if (!wanted("transformer") && !guidance) return;
  // As the model folder holds them: what the transformer will meet when it is used.
  const TextEncoders texts = load_texts(kDtype);
  const Autoencoder autoencoder = load_autoencoder(folder.vae.folder, model.configs.vae, kDtype);
  runtime::FileWeights source(weights::Checkpoint::open(folder.transformer.folder));
  flux::Transformer transformer = flux::load_transformer(source, model.configs.transformer, kDtype);
  if (!recipe.from) zero_modulations(transformer);
  const TransformerParts parts = {texts,
                                  autoencoder.encoder,
                                  encoder_sha256(folder.vae.folder / kDiffusersWeights),
                                  *model.t5_tokenizer,
                                  *model.clip_tokenizer,
                                  options.out / "latents"};
  const SaveFunction save = [&](const auto& trained, const auto& values) {
    write_part(folder.transformer.folder / kDiffusersWeights, trained, values, "");
  };
  train_transformer(transformer, parts, recipe.transformer, recipe.seed,
                    options.out / "transformer", save, progress);
  if (guidance) {
    train_guidance(transformer, parts, *recipe.guidance, recipe.seed, options.out / "guidance",
                   save, progress);
  }
}

}  // namespace iclora::pretrain
