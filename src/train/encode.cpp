#include "train/encode.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <set>

#include "core/error.h"
#include "core/hash.h"
#include "core/json.h"
#include "runtime/file_weights.h"
#include "sampling/conditioning.h"
#include "sampling/decode.h"
#include "vae/autoencoder.h"

namespace iclora::train {
namespace {

// Part of every key: raised when what is stored changes its meaning.
constexpr int kVersion = 1;

std::filesystem::path memory_of(const EncodingCache& cache) {
  return cache.folder() / "files.json";
}

std::vector<std::filesystem::path> weight_files(const std::filesystem::path& folder) {
  return weights::Checkpoint::open(folder).files();
}

/// All files of a tokenizer's folder, by name.
std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// The places whose key is not stored yet, each key once.
std::vector<size_t> missing(const std::vector<std::string>& keys, const EncodingCache& cache) {
  std::vector<size_t> out;
  std::set<std::string> seen;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (seen.insert(keys[i]).second && !cache.contains(keys[i])) out.push_back(i);
  }
  return out;
}

}  // namespace

std::vector<std::string> encode_pictures(const sampling::OpenModel& model,
                                         const std::vector<PictureToEncode>& pictures,
                                         const EncodingCache& cache, Progress& progress) {
  const c10::NoGradGuard no_grad;
  const std::string encoder =
      content_hash(weight_files(model.folder.vae.folder), memory_of(cache)) +
      sha256(model.folder.vae.config.dump());
  std::vector<std::string> keys;
  keys.reserve(pictures.size());
  for (const PictureToEncode& picture : pictures) {
    keys.push_back(sha256(fmt::format("latents {} {} {}", kVersion, encoder, picture.content)));
  }
  const std::vector<size_t> todo = missing(keys, cache);
  if (todo.empty()) return keys;
  runtime::FileWeights source(weights::Checkpoint::open(model.folder.vae.folder));
  const vae::Encoder vae_encoder = vae::load_encoder(source, model.configs.vae, at::kFloat);
  const auto total = static_cast<int64_t>(todo.size());
  for (int64_t done = 0; done < total; ++done) {
    progress.report({.phase = "encoding pictures", .step = done, .total = total, .loss = {}});
    check_cancelled(progress);
    const size_t i = todo[static_cast<size_t>(done)];
    const at::Tensor mode =
        vae::encode(vae_encoder, sampling::pixels_of(pictures[i].pixels())).mean;
    const at::Tensor latents = vae::to_transformer_scale(model.configs.vae, mode).squeeze(0);
    if (!at::isfinite(latents).all().item<bool>()) {
      fail(ErrorKind::numerics,
           "The autoencoder of '{}' gives latents that are not finite numbers.",
           printable(model.folder.path.native(), 400));
    }
    cache.store(keys[i], {{"latents", latents}});
  }
  progress.report({.phase = "encoding pictures", .step = total, .total = total, .loss = {}});
  return keys;
}

std::vector<std::string> encode_captions(const sampling::OpenModel& model,
                                         const std::vector<std::string>& captions,
                                         int64_t text_length, at::ScalarType dtype,
                                         const EncodingCache& cache, Progress& progress) {
  std::string encoder =
      model.folder.text_encoder.config.dump() + model.folder.text_encoder_2.config.dump();
  for (const auto& files : {weight_files(model.folder.text_encoder.folder),
                            weight_files(model.folder.text_encoder_2.folder),
                            files_in(model.folder.tokenizer), files_in(model.folder.tokenizer_2)}) {
    encoder += content_hash(files, memory_of(cache));
  }
  encoder = sha256(encoder);
  std::vector<std::string> keys;
  keys.reserve(captions.size());
  for (const std::string& caption : captions) {
    keys.push_back(sha256(fmt::format("text {} {} {} {} {}", kVersion, encoder, text_length,
                                      dtype == at::kBFloat16 ? "bf16" : "fp32", caption)));
  }
  const std::vector<size_t> todo = missing(keys, cache);
  if (todo.empty()) return keys;
  std::vector<std::string> texts;
  texts.reserve(todo.size());
  for (const size_t i : todo) texts.push_back(captions[i]);
  const auto encoded = sampling::encode_prompts(model, texts, text_length, dtype, progress);
  for (size_t k = 0; k < todo.size(); ++k) {
    cache.store(keys[todo[k]], {{"t5", encoded[k].text.squeeze(0).to(dtype)},
                                {"clip", encoded[k].pooled.squeeze(0).to(dtype)}});
  }
  return keys;
}

}  // namespace iclora::train
