#include <ATen/ATen.h>
#include <fmt/format.h>

#include <memory>

#include "bench/bench.h"
#include "bench/mini.h"
#include "bench/random_weights.h"
#include "train/adamw.h"
#include "train/micro_step.h"
#include "train/trained_tensors.h"

namespace iclora::bench {
namespace {

constexpr int64_t kText = 128;

/// A whole optimizer step: forward, backward, AdamW, EMA, new copies in the layers.
struct TrainStep {
  flux::Transformer transformer;
  train::TrainedTensors trained;
  train::MicroBatch batch;
  train::AdamWState optimizer;
  std::vector<at::Tensor> averages;

  void run() {
    nn::Gradients gradients(trained.size());
    train::micro_step(transformer, batch, {}, gradients);
    const auto values = train::masters(trained);
    const double norm = train::global_norm(gradients.sums());
    train::adamw_step(values, gradients.sums(), std::min(1.0, 1.0 / norm), 1e-4, {}, optimizer);
    train::ema_step(averages, values, 0.99);
    train::put_into_layers(trained, values);
  }
};

train::MicroBatch random_batch(const flux::Config& config, int64_t count, int64_t h, int64_t w,
                               at::ScalarType dtype) {
  train::MicroBatch batch;
  batch.latents = random_tensor({count, config.in_channels / 4, h, w}, at::kFloat, 1);
  batch.noise = random_tensor({count, config.in_channels / 4, h, w}, at::kFloat, 2);
  batch.t5 = random_tensor({count, kText, config.joint_attention_dim}, dtype, 3);
  batch.clip = random_tensor({count, config.pooled_projection_dim}, dtype, 4);
  batch.t = at::full({count}, 0.5, at::kFloat);
  return batch;
}

/// rank 0: every weight is trained.
Case train_step_case(const char* grid, int64_t h, int64_t w, int64_t count, int64_t rank,
                     at::ScalarType dtype) {
  const flux::Config config = mini_config();
  const bool bf16 = dtype == at::kBFloat16;
  const std::string kind =
      rank > 0 ? fmt::format("b{}r{}", count, rank) : fmt::format("b{}full", count);
  // Backward: dX of every product; with full tuning dW as well. LoRA's own products are not
  // counted.
  const double factor = rank > 0 ? 2 : 3;
  const double flop =
      factor * static_cast<double>(count) * forward_flop(config, kText, h / 2 * (w / 2));
  return {fmt::format("flux-mini/train_step/{}/{}{}", grid, kind, bf16 ? "" : "/fp32"), flop, bf16,
          [=] {
            RandomWeights weights;
            const auto step = std::make_shared<TrainStep>();
            step->transformer = flux::load_transformer(weights, config, dtype);
            step->trained = rank > 0
                                ? train::add_lora(step->transformer, train::layer_filter({"all"}),
                                                  rank, static_cast<double>(rank), 1)
                                : train::train_every_weight(step->transformer);
            step->batch = random_batch(config, count, h, w, dtype);
            const auto values = train::masters(step->trained);
            step->optimizer = train::adamw_state(values);
            for (const at::Tensor& value : values) step->averages.push_back(value.clone());
            return [=] { step->run(); };
          }};
}

}  // namespace

std::vector<Case> train_cases() {
  return {train_step_case("3x1", 24, 8, 4, 16, at::kBFloat16),
          train_step_case("3x1", 24, 8, 4, 16, at::kFloat),
          train_step_case("1x1", 8, 8, 32, 0, at::kBFloat16),
          train_step_case("2x2", 16, 16, 4, 16, at::kBFloat16)};
}

}  // namespace iclora::bench
