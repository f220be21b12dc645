#include "eval/draw.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "runtime/file_weights.h"
#include "sampling/adapters.h"
#include "sampling/conditioning.h"
#include "sampling/decode.h"
#include "sampling/euler.h"
#include "sampling/generate.h"
#include "sampling/schedule.h"
#include "vae/autoencoder.h"
#include "vae/tiling.h"

namespace iclora::eval {
namespace {

using sampling::Conditioning;

std::vector<int64_t> numbers_of(const std::vector<sampling::GivenPanel>& given) {
  std::vector<int64_t> out;
  out.reserve(given.size());
  for (const sampling::GivenPanel& panel : given) out.push_back(panel.number);
  return out;
}

/// Tasks of one canvas size, and where panels are given or sequences of their own of one layout
/// with the same panels given; at most `batch`.
std::vector<std::vector<size_t>> batches_of(const std::vector<DrawTask>& tasks,
                                            const DrawSettings& settings) {
  std::vector<std::vector<size_t>> out;
  std::vector<size_t> open;  // batches that may still grow
  for (size_t i = 0; i < tasks.size(); ++i) {
    const auto same_size = [&](size_t at) {
      const panels::Layout& other = tasks[out[at].front()].layout;
      const std::vector<int64_t> given = numbers_of(tasks[i].given);
      if (numbers_of(tasks[out[at].front()].given) != given) return false;
      if (settings.method == sampling::Method::gdt || !given.empty()) {
        return other == tasks[i].layout;
      }
      return other.width == tasks[i].layout.width && other.height == tasks[i].layout.height;
    };
    auto found = std::find_if(open.begin(), open.end(), same_size);
    if (found == open.end()) {
      open.push_back(out.size());
      out.emplace_back();
      found = open.end() - 1;
    }
    out[*found].push_back(i);
    if (static_cast<int64_t>(out[*found].size()) == settings.batch) open.erase(found);
  }
  return out;
}

/// The steps of one batch as steps of the whole work.
class PartOfWork final : public Progress {
 public:
  PartOfWork(Progress& whole, int64_t first, int64_t total)
      : whole_(whole), first_(first), total_(total) {}
  void report(const ProgressEvent& event) override {
    whole_.report({event.phase, first_ + event.step, total_, event.loss});
  }
  bool cancelled() const override { return whole_.cancelled(); }

 private:
  Progress& whole_;
  int64_t first_, total_;
};

Conditioning together(const std::vector<Conditioning>& all, const std::vector<size_t>& which) {
  std::vector<at::Tensor> texts, pooled;
  for (const size_t i : which) {
    texts.push_back(all[i].text);
    pooled.push_back(all[i].pooled);
  }
  return {at::cat(texts), at::cat(pooled)};
}

/// What each task is conditioned on; behind them, with true guidance, each one's empty caption.
std::vector<Conditioning> encode(const sampling::OpenModel& model,
                                 const std::vector<DrawTask>& tasks, const DrawSettings& settings,
                                 at::ScalarType dtype, Progress& progress) {
  std::vector<std::vector<std::string>> sets;
  sets.reserve(2 * tasks.size());
  for (const DrawTask& task : tasks) {
    sets.push_back(sampling::captions_of(settings.method, task.caption, task.layout.boxes.size()));
  }
  for (size_t i = 0; settings.cfg != 1.0 && i < tasks.size(); ++i) {
    sets.emplace_back(sets[i].size(), "");
  }
  return sampling::encode_sets(model, sets, settings.text_length, dtype, progress);
}

/// Given panels of all tasks through the autoencoder, each alone and in fp32 as in training; none
/// where a task has none.
std::vector<std::optional<sampling::GivenTokens>> encode_given(const sampling::OpenModel& model,
                                                               const std::vector<DrawTask>& tasks,
                                                               const DrawSettings& settings,
                                                               Progress& progress) {
  std::vector<std::optional<sampling::GivenTokens>> out(tasks.size());
  if (std::all_of(tasks.begin(), tasks.end(),
                  [](const auto& task) { return task.given.empty(); })) {
    return out;
  }
  runtime::FileWeights source(weights::Checkpoint::open(model.folder.vae.folder));
  const vae::Encoder encoder = vae::load_encoder(source, model.configs.vae, at::kFloat);
  for (size_t i = 0; i < tasks.size(); ++i) {
    check_cancelled(progress);
    progress.report({.phase = "encoding given panels",
                     .step = static_cast<int64_t>(i),
                     .total = static_cast<int64_t>(tasks.size()),
                     .loss = {}});
    if (tasks[i].given.empty()) continue;
    std::vector<at::Tensor> latents;
    for (const sampling::GivenPanel& panel : tasks[i].given) {
      latents.push_back(vae::to_transformer_scale(
          model.configs.vae, vae::encode(encoder, sampling::pixels_of(panel.picture)).mean));
    }
    out[i] = sampling::given_tokens(tasks[i].layout, numbers_of(tasks[i].given), latents);
    out[i]->method = settings.condition;
    out[i]->at_zero = settings.given_at_zero;
    out[i]->sees = settings.given_sees;
    out[i]->strength = settings.strength;
    out[i]->seeds = {tasks[i].seed};
  }
  return out;
}

/// Those of one batch as one; their masks are equal.
std::optional<sampling::GivenTokens> together(
    const std::vector<std::optional<sampling::GivenTokens>>& all,
    const std::vector<size_t>& which) {
  std::optional<sampling::GivenTokens> out = all[which.front()];
  if (!out) return out;
  std::vector<at::Tensor> latents;
  out->seeds.clear();
  for (const size_t i : which) {
    latents.push_back(all[i]->latents);
    out->seeds.push_back(all[i]->seeds.front());
  }
  out->latents = at::cat(latents);
  return out;
}

/// Latents of all tasks, each [1, C, h, w]; the transformer lives only in here.
std::vector<at::Tensor> sample_all(const sampling::OpenModel& model,
                                   const std::vector<DrawTask>& tasks,
                                   const std::vector<Conditioning>& captions,
                                   const std::vector<std::optional<sampling::GivenTokens>>& given,
                                   const DrawSettings& settings, at::ScalarType dtype,
                                   Progress& progress) {
  runtime::FileWeights source(weights::Checkpoint::open(model.folder.transformer.folder));
  flux::Transformer transformer = flux::load_transformer(source, model.configs.transformer, dtype);
  for (const DrawAdapter& adapter : settings.adapters) {
    sampling::attach_adapter(transformer, *adapter.file, adapter.strength, adapter.allow_unmatched);
  }
  const auto batches = batches_of(tasks, settings);
  const auto total = static_cast<int64_t>(batches.size()) * settings.steps;
  std::vector<at::Tensor> out(tasks.size());
  int64_t done = 0;
  for (const std::vector<size_t>& batch : batches) {
    std::vector<at::Tensor> noises;
    noises.reserve(batch.size());
    for (const size_t i : batch) {
      noises.push_back(sampling::seeded_noise(tasks[i].seed, model.configs.vae.latent_channels,
                                              tasks[i].layout.height / 8,
                                              tasks[i].layout.width / 8));
    }
    const at::Tensor noise = at::cat(noises);
    sampling::EulerSettings euler;
    euler.guidance = settings.guidance;
    euler.cfg = settings.cfg;
    euler.sigmas = sampling::sigmas(model.configs.schedule, settings.steps,
                                    noise.size(2) / 2 * (noise.size(3) / 2));
    euler.panels = sampling::panel_sequences(settings.method, tasks[batch[0]].layout);
    euler.given = together(given, batch);
    if (euler.given) euler.given_attention = settings.given_attention;
    std::optional<Conditioning> negative;
    if (settings.cfg != 1.0) {
      std::vector<size_t> empty;
      empty.reserve(batch.size());
      for (const size_t i : batch) empty.push_back(tasks.size() + i);
      negative = together(captions, empty);
    }
    PartOfWork part(progress, done, total);
    const at::Tensor latents = sampling::euler_sample(transformer, noise, together(captions, batch),
                                                      negative, euler, part);
    for (size_t i = 0; i < batch.size(); ++i) {
      out[batch[i]] = latents.narrow(0, static_cast<int64_t>(i), 1).contiguous();
    }
    done += settings.steps;
  }
  return out;
}

}  // namespace

std::vector<image::Image> rebuild_canvases(const sampling::OpenModel& model,
                                           const std::vector<image::Image>& canvases,
                                           Progress& progress) {
  const c10::NoGradGuard no_grad;
  runtime::FileWeights source(weights::Checkpoint::open(model.folder.vae.folder));
  // Once, and little work beside drawing: in fp32 whatever the drawing computes in.
  const vae::Encoder encoder = vae::load_encoder(source, model.configs.vae, at::kFloat);
  const vae::Decoder decoder = vae::load_decoder(source, model.configs.vae, at::kFloat);
  std::vector<image::Image> out;
  for (const image::Image& canvas : canvases) {
    progress.report({.phase = "rebuilding",
                     .step = static_cast<int64_t>(out.size()),
                     .total = static_cast<int64_t>(canvases.size()),
                     .loss = {}});
    check_cancelled(progress);
    const at::Tensor latents = vae::encode(encoder, sampling::pixels_of(canvas)).mean;
    out.push_back(sampling::to_image(vae::decode_tiled(decoder, latents, {}, progress)));
  }
  return out;
}

std::vector<DrawnCanvas> draw_tasks(const sampling::OpenModel& model,
                                    const std::vector<DrawTask>& tasks,
                                    const DrawSettings& settings, Progress& progress) {
  const c10::NoGradGuard no_grad;
  const auto dtype = settings.dtype == "bf16" ? at::kBFloat16 : at::kFloat;
  const std::vector<Conditioning> captions = encode(model, tasks, settings, dtype, progress);
  const std::vector<at::Tensor> latents =
      sample_all(model, tasks, captions, encode_given(model, tasks, settings, progress), settings,
                 dtype, progress);

  runtime::FileWeights source(weights::Checkpoint::open(model.folder.vae.folder));
  const vae::Decoder decoder = vae::load_decoder(source, model.configs.vae, dtype);
  std::vector<DrawnCanvas> out;
  const auto total = static_cast<int64_t>(latents.size());
  for (const at::Tensor& canvas : latents) {
    progress.report({.phase = "decoding",
                     .step = static_cast<int64_t>(out.size()),
                     .total = total,
                     .loss = {}});
    check_cancelled(progress);
    const DrawTask& task = tasks[out.size()];
    DrawnCanvas drawn;
    drawn.picture =
        sampling::decode_canvas(decoder, canvas, task.layout, settings.method, progress);
    drawn.given = sampling::measure_given(drawn.picture, task.layout, task.given);
    sampling::paste_given(drawn.picture, task.layout, task.given);
    out.push_back(std::move(drawn));
  }
  return out;
}

std::vector<image::Image> draw_canvases(const sampling::OpenModel& model,
                                        const std::vector<DrawTask>& tasks,
                                        const DrawSettings& settings, Progress& progress) {
  std::vector<image::Image> out;
  for (DrawnCanvas& drawn : draw_tasks(model, tasks, settings, progress)) {
    out.push_back(std::move(drawn.picture));
  }
  return out;
}

}  // namespace iclora::eval
