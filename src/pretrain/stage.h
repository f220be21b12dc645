#pragma once
// One stage of a pre-training: optimizer steps, averages, checkpoints, a log. Like a training of
// train/, it can be killed at any moment and goes on from its newest checkpoint to the same bytes.

#include <filesystem>
#include <functional>
#include <string>

#include "core/progress.h"
#include "nn/gradients.h"
#include "pretrain/recipe.h"
#include "run/checkpoint_store.h"
#include "run/metrics.h"
#include "run/run_folder.h"
#include "train/state.h"

namespace iclora::pretrain {

/// Adds the gradients of optimizer step `step` (from 0) and returns the loss.
using StepFunction = std::function<double(int64_t step, nn::Gradients& gradients)>;
/// Measures the averages, which are in the layers meanwhile: numbers for the log.
using MeasureFunction = std::function<Json()>;

class Stage {
 public:
  /// `folder` gets checkpoints/, metrics.jsonl and measures.jsonl. Goes to where it stands.
  Stage(std::string name, const std::filesystem::path& folder, const StageRecipe& recipe,
        const train::TrainedTensors& trained, Progress& progress);

  bool finished() const { return state_.step >= recipe_.steps(); }
  int64_t step() const { return state_.step; }
  /// The averages.
  const std::vector<at::Tensor>& result() const { return train::result_values(state_); }

  /// To the end, or until `until` steps are done. After every checkpoint `measure` and then
  /// `saved` are called. Error of kind `interrupted` when cancelled, after saving; of kind
  /// `numerics` when ten steps in a row are not finite.
  void run(int64_t until, const StepFunction& step, const MeasureFunction& measure,
           const std::function<void()>& saved);

 private:
  void one_step(const StepFunction& step);
  void optimize(const std::vector<at::Tensor>& gradients, double clip, double learning_rate);
  void save();
  void measure(const MeasureFunction& measure);

  std::string name_;
  const StageRecipe& recipe_;
  const train::TrainedTensors& trained_;
  Progress& progress_;
  run::FolderLock lock_;
  run::CheckpointStore checkpoints_;
  train::State state_;
  std::optional<run::StepLog> metrics_, measures_;
  double mean_loss_ = 0;  ///< running mean, for the progress line
  int64_t not_finite_ = 0;
  int64_t saved_step_ = -1;
};

}  // namespace iclora::pretrain
