#include "train/micro_step.h"

#include <ATen/ATen.h>
#include <ATen/core/LegacyTypeDispatch.h>

#include <algorithm>

#include "flux/token_order.h"
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
          rows_of(batch.counted, begin, end), batch.panels};
}

/// Where the shards of `size` samples begin: equal in size but for one.
int64_t shard_begin(int64_t shard, int64_t shards, int64_t size) {
  return shard * size / shards;
}

/// What is the same for all samples of a batch: tokens' places, and who sees whom.
struct Frame {
  flux::TokenOrder order;
  flux::Context context;  ///< with the whole batch's text; empty where each sample has its own
};

/// Whether who sees whom differs between the samples.
bool sees_by_sample(const MicroBatch& batch, const MicroStepSettings& settings) {
  return settings.given_sees == flux::GivenSees::given && batch.given.defined();
}

Frame frame_of(const flux::Transformer& transformer, const MicroBatch& batch,
               const MicroStepSettings& settings) {
  Frame frame = {flux::TokenOrder(batch.panels, batch.latents.size(2), batch.latents.size(3)), {}};
  if (!sees_by_sample(batch, settings)) {
    frame.context = frame.order.context(transformer.config, batch.t5, batch.clip);
  }
  return frame;
}

/// What the transformer is asked about some samples.
struct Asked {
  flux::Query query;
  flux::Context context;
};

Asked asked_of(const flux::Transformer& transformer, const Frame& frame, const MicroBatch& samples,
               const MicroStepSettings& settings) {
  at::Tensor given;  // bool [B, L]
  if (samples.given.defined()) {
    given = frame.order.tokens_of(samples.given.unsqueeze(1)).any(-1);
  }
  Asked asked;
  asked.query.latents = frame.order.tokens_of(noisy_latents(samples));
  asked.query.timestep = samples.t;
  asked.query.guidance = at::full_like(samples.t, settings.guidance);
  if (settings.given_at_zero) asked.query.given = given;
  if (sees_by_sample(samples, settings)) {
    asked.context = frame.order.context(transformer.config, samples.t5, samples.clip,
                                        {given[0], {1.0, settings.given_sees}});
  } else {
    asked.context = frame.context;
    asked.context.text = samples.t5;
    asked.context.pooled = samples.clip;
  }
  return asked;
}

}  // namespace

double micro_step(const flux::Transformer& transformer, const MicroBatch& batch,
                  const MicroStepSettings& settings, nn::Gradients& gradients) {
  const int64_t shards =
      sees_by_sample(batch, settings) ? batch.size() : std::min(kMostShards, batch.size());
  const int64_t counted = counted_elements(batch);
  const Frame frame = frame_of(transformer, batch, settings);

  struct Part {
    double sum = 0;
    nn::Gradients gradients{0};
  };
  std::vector<Part> parts(static_cast<size_t>(shard_workers(shards)));
  double sum = 0;
  for_shards(
      shards,
      [&](int64_t shard, int64_t worker) {
        // Views are cheaper when autograd need not know them, and nothing here is recorded.
        const at::AutoDispatchBelowADInplaceOrView below_autograd;
        Part& part = parts[static_cast<size_t>(worker)];
        part.gradients = nn::Gradients(gradients.size());
        const MicroBatch samples = samples_of(batch, shard_begin(shard, shards, batch.size()),
                                              shard_begin(shard + 1, shards, batch.size()));
        const Asked asked = asked_of(transformer, frame, samples, settings);
        flux::TransformerSaved saved;
        saved.checkpointing = settings.checkpointing;
        const at::Tensor velocity =
            flux::transformer_training_forward(transformer, asked.query, asked.context, saved);
        const Loss loss = velocity_loss(samples, frame.order.latents_of(velocity),
                                        counted * settings.micro_batches);
        part.sum = loss.sum;
        flux::transformer_backward(transformer, saved, asked.context,
                                   frame.order.tokens_of(loss.dvelocity).to(velocity.scalar_type()),
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
  const Frame frame = frame_of(transformer, batch, settings);
  at::Tensor out =
      at::empty({batch.size(), batch.latents.size(2), batch.latents.size(3)}, at::kFloat);
  for_shards(
      batch.size(),
      [&](int64_t sample, int64_t) {
        const MicroBatch one = samples_of(batch, sample, sample + 1);
        const Asked asked = asked_of(transformer, frame, one, settings);
        const at::Tensor velocity =
            flux::transformer_forward(transformer, asked.query, asked.context);
        const at::Tensor error =
            frame.order.latents_of(velocity).to(at::kFloat) - (one.noise - one.latents);
        out.select(0, sample).copy_(error.square().mean(1).squeeze(0));
      },
      [](int64_t, int64_t) {});
  return out;
}

}  // namespace iclora::train
