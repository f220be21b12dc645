#pragma once
// The loop of a training: steps, logs, checkpoints, samples, and what happens when a step or a save
// goes wrong.

#include <chrono>
#include <optional>

#include "core/file.h"
#include "lora/adapter_metadata.h"
#include "run/event_log.h"
#include "run/metrics.h"
#include "run/run_folder.h"
#include "run/stop_policy.h"
#include "train/feed.h"
#include "train/micro_step.h"
#include "train/samples.h"
#include "train/state.h"
#include "train/train.h"

namespace iclora::train {

/// What a training works on; it outlives the Trainer.
struct TrainerParts {
  const run::Config& config;
  const sampling::OpenModel& model;
  flux::Transformer& transformer;
  const TrainedTensors& trained;
  Feed& feed;
  const std::vector<SetFeed::HeldOut>& held_out;
  const std::vector<SamplePrompt>& prompts;
  MicroStepSettings micro;
  lora::AdapterInfo info;  ///< of the LoRA files; `training.steps` is filled in
  run::RunInputs inputs = {};
};

class Trainer {
 public:
  /// Opens the run's folder and goes to where it stands. `initial`: the masters' values at step 0.
  Trainer(TrainerParts parts, bool resume, std::function<std::vector<at::Tensor>()> initial,
          Progress& progress);

  /// Steps to the end and writes the result. Error of kind `interrupted` when cancelled, after
  /// saving; of kind `output` where there was no room to save.
  TrainResult run();

 private:
  using Clock = std::chrono::steady_clock;

  void step_to_the_end();
  void one_step();
  /// Whether something due at multiples of `every` (0: at the end alone) is due now.
  bool due(int64_t every) const;
  /// What is due after a step: checkpoint, LoRA file, validation, samples.
  void after_step();
  /// What a run that was killed between its checkpoint and the rest still owes.
  void catch_up();
  bool samples_are_due() const;
  void write_lora_on_the_way();
  void save();
  void validate();
  void sample();
  void roll_back();
  /// Saves and throws Error of kind `interrupted`.
  [[noreturn]] void stop_for_signal();
  /// A signal ended the wait for room: as above where all is saved, else Error of kind `output`.
  [[noreturn]] void stop_without_room(const DiskFull& full);
  void write_lora_file(const std::filesystem::path& path);
  void write_result();
  /// Runs `work` while the layers hold the averages that the result will hold.
  void with_result_in_layers(const std::function<void()>& work);
  /// Repeats `work` until the disk has room for it, telling why it waits.
  void when_there_is_room(const std::function<void()>& work);

  TrainerParts parts_;
  std::function<std::vector<at::Tensor>()> initial_;
  Progress& progress_;
  run::RunFolder folder_;
  State state_;
  run::StopPolicy policy_;
  run::StepLog metrics_;
  run::StepLog validation_;
  run::EventLog events_;
  double last_loss_ = 0;
  int64_t saved_step_ = -1;
  Clock::time_point start_ = Clock::now();
};

}  // namespace iclora::train
