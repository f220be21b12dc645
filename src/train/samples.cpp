#include "train/samples.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include "captions/joint_caption.h"
#include "core/file.h"
#include "core/log.h"
#include "core/philox.h"
#include "image/png_write.h"
#include "runtime/file_weights.h"
#include "sampling/decode.h"
#include "sampling/euler.h"
#include "sampling/schedule.h"
#include "sampling/text_length.h"
#include "vae/autoencoder.h"

namespace iclora::train {
namespace {

panels::Layout layout_of(const std::string& prompt, const panels::Layout& fallback) {
  const captions::Parsed parsed = captions::parse(prompt);
  const int64_t count = parsed.grid.rows * parsed.grid.columns;
  if (!parsed.dialect || count == static_cast<int64_t>(fallback.boxes.size())) return fallback;
  return panels::grid_layout({parsed.grid.rows, parsed.grid.columns}, fallback.boxes[0].width,
                             fallback.boxes[0].height);
}

at::Tensor noise_of(uint64_t seed, int64_t channels, const panels::Layout& layout) {
  at::Tensor noise = at::empty({1, channels, layout.height / 8, layout.width / 8}, at::kFloat);
  Random(seed, Stream::sampling_noise)
      .fill_normal({noise.mutable_data_ptr<float>(), static_cast<size_t>(noise.numel())});
  return noise;
}

/// The canvas of prompt `number` (from 1) and its panels, in this order.
std::vector<std::filesystem::path> paths_of(const std::filesystem::path& folder, size_t number,
                                            const SamplePrompt& prompt) {
  const std::string stem = fmt::format("{:02}", number);
  std::vector<std::filesystem::path> paths = {folder / (stem + ".png")};
  const size_t panels = prompt.layout.boxes.size();
  for (size_t panel = 1; panels > 1 && panel <= panels; ++panel) {
    paths.push_back(folder / fmt::format("{}-panel-{}.png", stem, panel));
  }
  return paths;
}

void write_picture(const std::filesystem::path& folder, size_t number, const SamplePrompt& prompt,
                   const run::SampleConfig& config, const image::Image& canvas) {
  const image::Texts texts = {
      {"parameters",
       fmt::format("{}\nSteps: {}, Sampler: Euler, Schedule type: Simple, CFG scale: 1, Distilled "
                   "CFG Scale: {}, Seed: {}, Size: {}x{}, Version: iclora",
                   prompt.prompt, config.steps, config.guidance, config.seed + number - 1,
                   canvas.width, canvas.height)}};
  const auto paths = paths_of(folder, number, prompt);
  image::write_png(paths[0], canvas, texts);
  if (paths.size() == 1) return;
  const auto parts = panels::split(canvas, prompt.layout);
  for (size_t panel = 0; panel < parts.size(); ++panel) {
    image::write_png(paths[panel + 1], parts[panel], texts);
  }
}

}  // namespace

std::vector<SamplePrompt> sample_prompts(const sampling::OpenModel& model,
                                         const run::SampleConfig& config,
                                         const panels::Layout& fallback, sampling::Method method,
                                         at::ScalarType dtype, Progress& progress) {
  std::vector<SamplePrompt> out;
  if (config.prompts.empty()) return out;
  std::vector<std::vector<std::string>> sets;
  out.reserve(config.prompts.size());
  sets.reserve(config.prompts.size());
  const int64_t limit = sampling::default_text_length(model);
  const captions::CountTokens count = sampling::token_counter(model);
  for (const std::string& prompt : config.prompts) {
    out.push_back({prompt, layout_of(prompt, fallback), method, {}});
    sets.push_back(sampling::captions_of(method, prompt, out.back().layout.boxes.size()));
    for (const std::string& caption : sets.back()) {
      const std::string lost = captions::lost_end(caption, limit, count);
      if (lost.empty()) continue;
      log::warning(
          "sample.prompts: number {} has {} tokens, but the text encoder reads {}: {}; shorten "
          "it.",
          out.size(), count(caption), limit, lost);
    }
  }
  const auto encoded = sampling::encode_sets(model, sets, limit, dtype, progress);
  for (size_t i = 0; i < out.size(); ++i) out[i].conditioning = encoded[i];
  return out;
}

std::vector<image::Image> draw_samples(const sampling::OpenModel& model,
                                       const flux::Transformer& transformer,
                                       const std::vector<SamplePrompt>& prompts,
                                       const run::SampleConfig& config, at::ScalarType dtype,
                                       Progress& progress) {
  const c10::NoGradGuard no_grad;
  std::vector<at::Tensor> latents;
  for (size_t i = 0; i < prompts.size(); ++i) {
    sampling::EulerSettings settings;
    settings.guidance = config.guidance;
    settings.panels = sampling::panel_sequences(prompts[i].method, prompts[i].layout);
    const at::Tensor noise =
        noise_of(config.seed + i, model.configs.vae.latent_channels, prompts[i].layout);
    settings.sigmas = sampling::sigmas(model.configs.schedule, config.steps,
                                       noise.size(2) / 2 * (noise.size(3) / 2));
    latents.push_back(sampling::euler_sample(transformer, noise, prompts[i].conditioning,
                                             std::nullopt, settings, progress));
  }
  runtime::FileWeights source(weights::Checkpoint::open(model.folder.vae.folder));
  const vae::Decoder decoder = vae::load_decoder(source, model.configs.vae, dtype);
  std::vector<image::Image> pictures;
  for (size_t i = 0; i < latents.size(); ++i) {
    pictures.push_back(sampling::decode_canvas(decoder, latents[i], prompts[i].layout,
                                               prompts[i].method, progress));
  }
  return pictures;
}

void write_samples(const std::vector<image::Image>& pictures,
                   const std::vector<SamplePrompt>& prompts, const run::SampleConfig& config,
                   const std::filesystem::path& folder) {
  create_folders(folder);
  for (size_t i = 0; i < prompts.size(); ++i) {
    write_picture(folder, i + 1, prompts[i], config, pictures[i]);
  }
}

bool samples_are_complete(const std::filesystem::path& folder,
                          const std::vector<SamplePrompt>& prompts) {
  for (size_t i = 0; i < prompts.size(); ++i) {
    for (const auto& path : paths_of(folder, i + 1, prompts[i])) {
      std::error_code ignored;
      if (!std::filesystem::exists(path, ignored)) return false;
    }
  }
  return true;
}

}  // namespace iclora::train
