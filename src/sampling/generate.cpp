#include "sampling/generate.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <numeric>

#include "core/error.h"
#include "core/file.h"
#include "core/philox.h"
#include "panels/split_picture.h"
#include "runtime/file_weights.h"
#include "sampling/adapters.h"
#include "sampling/conditioning.h"
#include "sampling/decode.h"
#include "sampling/euler.h"
#include "sampling/method.h"
#include "sampling/paste.h"
#include "sampling/picture.h"
#include "vae/autoencoder.h"

namespace iclora::sampling {
namespace {

at::ScalarType compute_dtype(const Resolved& resolved) {
  return *resolved.request.dtype == "bf16" ? at::kBFloat16 : at::kFloat;
}

/// All noises of a run: drawn, or out of the file asked for.
std::vector<at::Tensor> noises(const Resolved& resolved) {
  const Request& request = resolved.request;
  const int64_t channels = resolved.configs.vae.latent_channels;
  const int64_t h = resolved.layout.height / 8;
  const int64_t w = resolved.layout.width / 8;
  std::vector<at::Tensor> out;
  if (!request.noise) {
    for (int64_t i = 0; i < request.count; ++i) {
      out.push_back(seeded_noise(*request.seed + static_cast<uint64_t>(i), channels, h, w));
    }
    return out;
  }
  const std::string origin = "'" + printable(*request.noise, 400) + "'";
  runtime::FileWeights source(weights::Checkpoint::open(*request.noise));
  const weights::StoredTensor* stored = source.checkpoint().find("noise");
  if (stored == nullptr) fail_input("{} has no tensor 'noise'.", origin);
  const int64_t needed = request.noise_index + request.count;
  const std::vector<int64_t>& shape = stored->shape;
  if (shape.size() != 4 || shape[0] < needed || shape[1] != channels || shape[2] != h ||
      shape[3] != w ||
      (request.noise_index == 0 && shape[0] != request.count && request.count > 1)) {
    fail_input("{}: 'noise' has the shape [{}], expected [{}, {}, {}, {}] for this canvas.", origin,
               fmt::join(shape, ", "), needed, channels, h, w);
  }
  const at::Tensor all = source.get("noise", shape, at::kFloat);
  if (!at::isfinite(all).all().item<bool>()) {
    fail_input("{}: 'noise' holds values that are not finite numbers.", origin);
  }
  for (int64_t i = request.noise_index; i < needed; ++i) {
    out.push_back(all.slice(0, i, i + 1).contiguous());
  }
  return out;
}

/// What the run is conditioned on: the captions, then with true guidance the negative prompt, which
/// is that of every panel.
std::vector<Conditioning> encode(const Resolved& resolved, at::ScalarType dtype,
                                 Progress& progress) {
  const Request& request = resolved.request;
  std::vector<std::vector<std::string>> sets = {resolved.captions};
  if (request.cfg != 1.0) {
    sets.emplace_back(resolved.captions.size(), request.negative_prompt.value_or(""));
  }
  return encode_sets(resolved, sets, *request.text_length, dtype, progress);
}

/// The transformer lives only in here.
std::vector<at::Tensor> sample_all(const Resolved& resolved, const Prepared& prepared,
                                   const std::vector<int64_t>& which, int64_t steps,
                                   at::ScalarType dtype, Progress& progress) {
  const Request& request = resolved.request;
  runtime::FileWeights source(weights::Checkpoint::open(resolved.folder.transformer.folder));
  flux::Transformer transformer =
      flux::load_transformer(source, resolved.configs.transformer, dtype);
  for (size_t i = 0; i < resolved.adapters.size(); ++i) {
    attach_adapter(transformer, resolved.adapters[i], request.loras[i].strength,
                   request.allow_unmatched);
  }
  EulerSettings settings;
  settings.guidance = request.guidance;
  settings.cfg = request.cfg;
  settings.given_attention = request.given_attention.value_or(1.0);
  settings.panels = panel_sequences(resolved.method, resolved.layout);
  // The canvas' length under either method: the same noise levels, whichever is compared.
  const at::Tensor& first = prepared.start[0];
  settings.sigmas =
      sigmas(resolved.configs.schedule, steps, first.size(2) / 2 * (first.size(3) / 2));
  std::optional<Conditioning> negative;
  if (prepared.prompts.size() > 1) negative = prepared.prompts[1];
  std::vector<at::Tensor> out;
  settings.given = prepared.given;
  for (const int64_t index : which) {
    if (settings.given) settings.given->seeds = {*request.seed + static_cast<uint64_t>(index)};
    out.push_back(euler_sample(transformer, prepared.start[static_cast<size_t>(index)],
                               prepared.prompts[0], negative, settings, progress));
  }
  return out;
}

}  // namespace

at::Tensor seeded_noise(uint64_t seed, int64_t channels, int64_t h, int64_t w) {
  at::Tensor noise = at::empty({1, channels, h, w}, at::kFloat);
  Random(seed, Stream::sampling_noise)
      .fill_normal({noise.data_ptr<float>(), static_cast<size_t>(noise.numel())});
  return noise;
}

Prepared prepare(const Resolved& resolved, Progress& progress) {
  const c10::NoGradGuard no_grad;
  Prepared out;
  out.start = noises(resolved);
  out.prompts = encode(resolved, compute_dtype(resolved), progress);
  out.given = encode_given(resolved, progress);
  return out;
}

ImageSet draw(const Resolved& resolved, const Prepared& prepared, const std::vector<int64_t>& which,
              int64_t steps, const std::string& build, Progress& progress) {
  const c10::NoGradGuard no_grad;
  const auto dtype = compute_dtype(resolved);
  const std::vector<at::Tensor> latents =
      sample_all(resolved, prepared, which, steps, dtype, progress);

  ImageSet set;
  set.layout = resolved.layout;
  runtime::FileWeights source(weights::Checkpoint::open(resolved.folder.vae.folder));
  const vae::Decoder decoder = vae::load_decoder(source, resolved.configs.vae, dtype);
  const auto total = static_cast<int64_t>(latents.size());
  for (int64_t i = 0; i < total; ++i) {
    progress.report({.phase = "decoding", .step = i, .total = total, .loss = {}});
    check_cancelled(progress);
    const auto place = static_cast<size_t>(i);
    image::Image picture =
        decode_canvas(decoder, latents[place], resolved.layout, resolved.method, progress);
    std::vector<GivenResult> fidelity = measure_given(picture, resolved.layout, resolved.given);
    if (resolved.request.given_as == "pasted") {
      paste_given(picture, resolved.layout, resolved.given);
    }
    const uint64_t seed = *resolved.request.seed + static_cast<uint64_t>(which[place]);
    set.canvases.push_back({seed, latents[place], std::move(picture),
                            picture_texts(resolved, which[place], build), std::move(fidelity)});
  }
  progress.report({.phase = "decoding", .step = total, .total = total, .loss = {}});
  return set;
}

ImageSet generate(const Resolved& resolved, const std::string& build, Progress& progress) {
  std::vector<int64_t> all(static_cast<size_t>(resolved.request.count));
  std::iota(all.begin(), all.end(), 0);
  return draw(resolved, prepare(resolved, progress), all, resolved.request.steps, build, progress);
}

OutputPaths output_paths(const std::filesystem::path& out, int64_t count, int64_t panel_count,
                         bool split) {
  const bool one_file = out.extension() == ".png";
  OutputPaths paths;
  for (int64_t i = 1; i <= count; ++i) {
    std::string stem = one_file ? out.stem().native() : "canvas";
    if (!one_file || count > 1) stem += fmt::format("-{:02}", i);
    const std::filesystem::path folder = one_file ? out.parent_path() : out;
    paths.canvases.push_back(folder / (stem + ".png"));
    paths.panels.emplace_back();
    if (!split || panel_count < 2) continue;
    for (int64_t panel = 1; panel <= panel_count; ++panel) {
      paths.panels.back().push_back(folder / fmt::format("{}-panel-{}.png", stem, panel));
    }
  }
  return paths;
}

void save(const ImageSet& set, const OutputPaths& paths) {
  if (set.canvases.empty()) return;
  std::vector<panels::NamedPicture> pictures;
  for (size_t i = 0; i < set.canvases.size(); ++i) {
    const Canvas& canvas = set.canvases[i];
    pictures.push_back({paths.canvases[i].filename(), canvas.picture, canvas.texts});
    if (paths.panels[i].empty()) continue;
    std::vector<image::Image> parts = panels::split(canvas.picture, set.layout);
    for (size_t panel = 0; panel < parts.size(); ++panel) {
      pictures.push_back({paths.panels[i][panel].filename(), std::move(parts[panel]),
                          panels::panel_texts(canvas.texts, set.layout, panel + 1)});
    }
  }
  const std::filesystem::path folder = paths.canvases[0].parent_path();
  panels::write_pictures(folder.empty() ? "." : folder, pictures);
}

std::unique_ptr<weights::SafetensorsWriter> write_latents(const ImageSet& set,
                                                          const std::filesystem::path& path) {
  std::vector<at::Tensor> all;
  for (const Canvas& canvas : set.canvases) all.push_back(canvas.latents);
  const at::Tensor latents = at::cat(all).contiguous();
  const std::vector<weights::TensorHead> heads = {
      {"latents", weights::Dtype::f32, latents.sizes().vec()}};
  auto writer = std::make_unique<weights::SafetensorsWriter>(path, heads);
  writer->append({reinterpret_cast<const std::byte*>(latents.data_ptr<float>()),
                  static_cast<size_t>(latents.numel()) * sizeof(float)});
  return writer;
}

}  // namespace iclora::sampling
