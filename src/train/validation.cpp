#include "train/validation.h"

#include <ATen/ATen.h>

namespace iclora::train {
namespace {

// Spread evenly; the ends say little: near 0 and 1 the loss hardly depends on the model.
constexpr double kTimesteps[] = {0.1, 0.3, 0.5, 0.7, 0.9};
// Apart from every training step's draws.
constexpr int64_t kValidationStep = INT64_C(0xFFFFFFFF);

struct Mean {
  double sum = 0;
  int64_t count = 0;
  double value() const { return count == 0 ? 0 : sum / static_cast<double>(count); }
};

/// Summed in order: the same on any number of threads.
Mean mean_of(const at::Tensor& values) {
  Mean mean;
  const float* value = values.const_data_ptr<float>();
  for (; mean.count < values.numel(); ++mean.count) mean.sum += value[mean.count];
  return mean;
}

}  // namespace

ValidationLoss validation_loss(const flux::Transformer& transformer,
                               const std::vector<SetFeed::HeldOut>& sets, uint64_t seed,
                               const MicroStepSettings& settings, Progress& progress) {
  ValidationLoss out;
  Mean all;
  std::vector<Mean> panels;
  std::vector<Mean> timesteps(std::size(kTimesteps));
  const auto total = static_cast<int64_t>(sets.size() * std::size(kTimesteps));
  for (size_t i = 0; i < sets.size(); ++i) {
    const SetFeed::HeldOut& set = sets[i];
    for (size_t k = 0; k < std::size(kTimesteps); ++k) {
      const auto number = static_cast<int64_t>(i * std::size(kTimesteps) + k);
      progress.report({.phase = "validating", .step = number, .total = total, .loss = {}});
      check_cancelled(progress);
      MicroBatch sample = set.sample;
      const Place place{seed, kValidationStep, number};
      sample.noise =
          draw_noise(place, sample.latents.size(1), sample.latents.size(2), sample.latents.size(3))
              .unsqueeze(0);
      sample.t = at::full({1}, kTimesteps[k], at::kFloat);
      const at::Tensor errors = error_map(transformer, sample, settings)[0];
      panels.resize(std::max(panels.size(), set.layout.boxes.size()));
      for (const int64_t panel : all_panels(set.layout)) {
        const Mean inside = mean_of(errors.masked_select(latent_mask(set.layout, {panel})));
        for (Mean* mean : {&all, &panels[static_cast<size_t>(panel - 1)], &timesteps[k]}) {
          mean->sum += inside.sum;
          mean->count += inside.count;
        }
      }
    }
  }
  out.loss = all.value();
  for (const Mean& panel : panels) out.panels.push_back(panel.value());
  for (size_t k = 0; k < timesteps.size(); ++k) {
    out.timesteps.push_back(kTimesteps[k]);
    out.at_timestep.push_back(timesteps[k].value());
  }
  return out;
}

Json to_json(const ValidationLoss& loss) {
  Json at_timestep = Json::array();
  for (size_t k = 0; k < loss.timesteps.size(); ++k) {
    at_timestep.push_back({{"t", loss.timesteps[k]}, {"loss", loss.at_timestep[k]}});
  }
  return {{"loss", loss.loss}, {"panels", loss.panels}, {"timesteps", at_timestep}};
}

}  // namespace iclora::train
