#include "pretrain/stage.h"

#include <ATen/ATen.h>

#include <chrono>
#include <cmath>

#include "core/error.h"
#include "core/file.h"
#include "core/log.h"
#include "pretrain/muon.h"

namespace iclora::pretrain {
namespace {

constexpr int64_t kMostNotFinite = 10;

std::filesystem::path created(const std::filesystem::path& folder) {
  create_folders(folder);
  return folder;
}

/// Of the blocks of a transformer or an autoencoder. Modulations are left out: theirs is a table of
/// six vectors a channel, not one map.
bool is_block_matrix(const train::TrainedTensor& tensor) {
  const bool in_block = tensor.name.find("_block") != std::string::npos;
  return tensor.master.dim() >= 2 && in_block && tensor.name.find(".norm") == std::string::npos;
}

}  // namespace

Stage::Stage(std::string name, const std::filesystem::path& folder, const StageRecipe& recipe,
             const train::TrainedTensors& trained, Progress& progress)
    : name_(std::move(name)),
      recipe_(recipe),
      trained_(trained),
      progress_(progress),
      lock_(created(folder)),
      checkpoints_(folder / "checkpoints"),
      state_(train::initial_state(trained, recipe.ema > 0)) {
  checkpoints_.remove_leftovers();
  const run::NewestCheckpoint newest = checkpoints_.newest_valid();
  for (const std::string& note : newest.damaged) log::warning("{}", note);
  if (newest.checkpoint) {
    train::restore(*newest.checkpoint, trained, state_);
    saved_step_ = state_.step;
    log::info("{}: goes on from step {} of {}.", name_, state_.step, recipe.steps());
  }
  metrics_.emplace(folder / "metrics.jsonl", state_.step);
  measures_.emplace(folder / "measures.jsonl", state_.step);
  train::put_into_layers(trained, state_.masters);
}

void Stage::optimize(const std::vector<at::Tensor>& gradients, double clip, double learning_rate) {
  train::AdamWState& state = state_.optimizer;
  struct {
    std::vector<at::Tensor> parameters, gradients, momenta;
  } matrices, rest;
  train::AdamWState of_rest;  // of the same tensors as `state`
  for (size_t i = 0; i < trained_.size(); ++i) {
    const bool matrix = recipe_.muon && is_block_matrix(trained_[i]);
    auto& list = matrix ? matrices : rest;
    list.parameters.push_back(state_.masters[i]);
    list.gradients.push_back(gradients[i]);
    list.momenta.push_back(state.mean[i]);
    if (!matrix) of_rest.square.push_back(state.square[i]);
  }
  of_rest.steps = state.steps;
  of_rest.mean = rest.momenta;
  muon_step(matrices.parameters, matrices.gradients, clip, learning_rate,
            {.weight_decay = recipe_.weight_decay}, matrices.momenta);
  train::adamw_step(rest.parameters, rest.gradients, clip, learning_rate,
                    {0.9, recipe_.beta2, 1e-8, recipe_.weight_decay}, of_rest);
  state.steps = of_rest.steps;
}

void Stage::one_step(const StepFunction& step) {
  const auto begin = std::chrono::steady_clock::now();
  nn::Gradients gradients(trained_.size());
  const double loss = step(state_.step, gradients);
  const double norm = train::global_norm(gradients.sums());
  run::StepMetrics metrics;
  metrics.step = state_.step + 1;
  metrics.loss = loss;
  metrics.grad_norm = norm;
  metrics.learning_rate = recipe_.learning_rate(state_.step);
  metrics.skipped = !std::isfinite(loss) || !std::isfinite(norm);
  if (metrics.skipped) {
    if (++not_finite_ >= kMostNotFinite) {
      fail(ErrorKind::numerics,
           "{}: ten steps in a row up to step {} were not finite; lower the learning rate.", name_,
           metrics.step);
    }
  } else {
    not_finite_ = 0;
    const double clip = recipe_.clip > 0 ? std::min(1.0, recipe_.clip / (norm + 1e-6)) : 1.0;
    optimize(gradients.sums(), clip, metrics.learning_rate);
    if (!state_.averages.empty()) {
      // Early on the average is short, or the random beginning would stay in it.
      const auto done = static_cast<double>(state_.optimizer.steps);
      train::ema_step(state_.averages, state_.masters,
                      std::min(recipe_.ema, (1 + done) / (10 + done)));
    }
    train::put_into_layers(trained_, state_.masters);
    mean_loss_ = mean_loss_ == 0 ? loss : 0.98 * mean_loss_ + 0.02 * loss;
  }
  ++state_.step;
  metrics.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  metrics_->append(run::to_json(metrics));
  progress_.report(
      {.phase = name_, .step = state_.step, .total = recipe_.steps(), .loss = mean_loss_});
}

void Stage::save() {
  state_.stop_policy = Json::object();
  metrics_->sync();
  checkpoints_.save(state_.step, train::checkpoint_parts(state_, trained_), recipe_.keep);
  saved_step_ = state_.step;
}

void Stage::measure(const MeasureFunction& measure) {
  train::put_into_layers(trained_, train::result_values(state_));
  Json line = {{"step", state_.step}};
  std::string text;
  const Json values = measure();
  for (const auto& [key, value] : values.items()) {
    line[key] = value;
    text += fmt::format(", {} {}", key, value.dump());
  }
  train::put_into_layers(trained_, state_.masters);
  measures_->append(line);
  log::info("{}: step {}, loss {:.4f}{}", name_, state_.step, mean_loss_, text);
}

void Stage::run(int64_t until, const StepFunction& step, const MeasureFunction& measure_function,
                const std::function<void()>& saved) {
  const int64_t end = std::min(until, recipe_.steps());
  while (state_.step < end) {
    one_step(step);
    if (progress_.cancelled()) {
      save();
      throw Error(ErrorKind::interrupted,
                  fmt::format("stopped by a signal after step {} of {} of the stage '{}', all of "
                              "it saved; the same command goes on from there.",
                              state_.step, recipe_.steps(), name_));
    }
    if (state_.step % recipe_.save_every == 0 || state_.step == end) {
      save();
      measure(measure_function);
      saved();
    }
  }
}

}  // namespace iclora::pretrain
