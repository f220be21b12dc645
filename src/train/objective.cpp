#include "train/objective.h"

#include <ATen/ATen.h>

namespace iclora::train {
namespace {

/// In fp64 and in order, whatever the vector width: the same on every machine.
double sum_of_squares(const at::Tensor& x) {
  const at::Tensor dense = x.contiguous();
  const float* values = dense.const_data_ptr<float>();
  double sum = 0;
  for (int64_t i = 0; i < dense.numel(); ++i) {
    sum += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  }
  return sum;
}

}  // namespace

at::Tensor noisy_latents(const MicroBatch& batch) {
  const at::Tensor t = batch.t.view({-1, 1, 1, 1});
  const at::Tensor x = (1 - t) * batch.latents + t * batch.noise;
  return batch.given.defined() ? at::where(batch.given.unsqueeze(1), batch.latents, x) : x;
}

at::Tensor loss_weight(const MicroBatch& batch) {
  at::Tensor counts;
  if (batch.given.defined()) counts = batch.given.logical_not();
  if (batch.counted.defined()) {
    counts = counts.defined() ? counts.logical_and(batch.counted) : batch.counted;
  }
  return counts.defined() ? counts.to(at::kFloat).unsqueeze(1) : counts;
}

int64_t counted_elements(const MicroBatch& batch) {
  const at::Tensor weight = loss_weight(batch);
  if (!weight.defined()) return batch.latents.numel();
  return weight.count_nonzero().item<int64_t>() * batch.latents.size(1);
}

Loss velocity_loss(const MicroBatch& samples, const at::Tensor& velocity, int64_t counted) {
  return target_loss(samples, velocity, samples.noise - samples.latents, counted);
}

Loss target_loss(const MicroBatch& samples, const at::Tensor& velocity, const at::Tensor& target,
                 int64_t counted) {
  at::Tensor error = velocity.to(at::kFloat) - target;
  const at::Tensor weight = loss_weight(samples);
  if (weight.defined()) error = error * weight;
  return {sum_of_squares(error), error * (2.0 / static_cast<double>(counted))};
}

}  // namespace iclora::train
