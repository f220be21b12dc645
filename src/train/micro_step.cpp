#include "train/micro_step.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "flux/latents.h"
#include "train/objective.h"
#include "train/shards.h"

namespace iclora::train {
namespace {

constexpr int64_t kMostShards = 16;

at::Tensor rows_of(const at::Tensor& x, int64_t begin, int64_t end) {
  return x.defined() ? x.slice(0, begin, end) : x;
}

MicroBatch samples_of(const MicroBatch& batch, int64_t begin, int64_t end) {
  return {rows_of(batch.latents, begin, end), rows_of(batch.t5, begin, end),
          rows_of(batch.clip, begin, end),    rows_of(batch.noise, begin, end),
          rows_of(batch.t, begin, end),       rows_of(batch.given, begin, end),
          rows_of(batch.counted, begin, end)};
}

/// Where the shards of `size` samples begin: equal in size but for one.
int64_t shard_begin(int64_t shard, int64_t shards, int64_t size) {
  return shard * size / shards;
}

flux::Query query_of(const MicroBatch& samples, const MicroStepSettings& settings) {
  flux::Query query;
  query.latents = flux::pack_latents(noisy_latents(samples));
  query.timestep = samples.t;
  query.guidance = at::full_like(samples.t, settings.guidance);
  if (settings.given_at_zero && samples.given.defined()) {
    query.given = flux::pack_latents(samples.given.unsqueeze(1)).any(-1);
  }
  return query;
}

flux::Context context_of(const MicroBatch& samples, const nn::RopeTable& rope) {
  return {samples.t5, samples.clip, rope};
}

nn::RopeTable rope_of(const flux::Transformer& transformer, const MicroBatch& batch) {
  return flux::canvas_rope(transformer.config, batch.t5.size(1), batch.latents.size(2),
                           batch.latents.size(3));
}

}  // namespace

double micro_step(const flux::Transformer& transformer, const MicroBatch& batch,
                  const MicroStepSettings& settings, nn::Gradients& gradients) {
  const int64_t shards = std::min(kMostShards, batch.size());
  const int64_t counted = counted_elements(batch);
  const nn::RopeTable rope = rope_of(transformer, batch);
  const int64_t h = batch.latents.size(2);
  const int64_t w = batch.latents.size(3);

  struct Part {
    double sum = 0;
    nn::Gradients gradients{0};
  };
  std::vector<Part> parts(static_cast<size_t>(shard_workers(shards)));
  double sum = 0;
  for_shards(
      shards,
      [&](int64_t shard, int64_t worker) {
        Part& part = parts[static_cast<size_t>(worker)];
        part.gradients = nn::Gradients(gradients.size());
        const MicroBatch samples = samples_of(batch, shard_begin(shard, shards, batch.size()),
                                              shard_begin(shard + 1, shards, batch.size()));
        const flux::Context context = context_of(samples, rope);
        flux::TransformerSaved saved;
        saved.checkpointing = settings.checkpointing;
        const at::Tensor velocity = flux::transformer_training_forward(
            transformer, query_of(samples, settings), context, saved);
        const Loss loss = velocity_loss(samples, flux::unpack_latents(velocity, h, w), counted);
        part.sum = loss.sum;
        flux::transformer_backward(transformer, saved, context,
                                   flux::pack_latents(loss.dvelocity).to(velocity.scalar_type()),
                                   part.gradients);
      },
      [&](int64_t, int64_t worker) {
        Part& part = parts[static_cast<size_t>(worker)];
        sum += part.sum;
        gradients.add(part.gradients);
      });
  return sum / static_cast<double>(counted);
}

at::Tensor error_map(const flux::Transformer& transformer, const MicroBatch& batch,
                     const MicroStepSettings& settings) {
  const nn::RopeTable rope = rope_of(transformer, batch);
  const int64_t h = batch.latents.size(2);
  const int64_t w = batch.latents.size(3);
  at::Tensor out = at::empty({batch.size(), h, w}, at::kFloat);
  for_shards(
      batch.size(),
      [&](int64_t sample, int64_t) {
        const MicroBatch one = samples_of(batch, sample, sample + 1);
        const at::Tensor velocity =
            flux::transformer_forward(transformer, query_of(one, settings), context_of(one, rope));
        const at::Tensor error =
            flux::unpack_latents(velocity, h, w).to(at::kFloat) - (one.noise - one.latents);
        out.select(0, sample).copy_(error.square().mean(1).squeeze(0));
      },
      [](int64_t, int64_t) {});
  return out;
}

}  // namespace iclora::train
