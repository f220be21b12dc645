#pragma once
// The trainings of a comparison: made when a row needs one, gone on with when it was stopped, and
// used again when it is there.
//
//   OUT/trainings/TASK-NAME[-SETS]-KEY/    a run's folder; done.json once it is finished

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/progress.h"
#include "run/config.h"
#include "sampling/model.h"
#include "study/cell.h"
#include "study/plan.h"

namespace iclora::study {

/// What is asked for beside the plan.
struct StudyOptions {
  std::filesystem::path out;
  std::filesystem::path encodings;  ///< cache of latents and text embeddings
  std::vector<std::filesystem::path> model_search;
  std::string build;
  std::vector<std::string> only;  ///< tasks that are worked on; empty: all. The others are reported
};

struct Training {
  run::Config config;  ///< with its folder
  std::optional<int64_t> sets;
  std::string key;  ///< of all that the result depends on
  std::filesystem::path folder() const { return config.out; }
};

/// A finished one.
struct Trained {
  TrainingRecord record;
  std::filesystem::path result;  ///< an adapter, or of full tuning a model folder
};

/// Reads the training sets; nothing is trained. Errors (exit 2), also where there are too few sets.
Training plan_training(const Plan& plan, const TaskPlan& task, const PlannedRow& row,
                       const sampling::OpenModel& model, const StudyOptions& options);

/// None where it is not finished.
std::optional<Trained> find_trained(const Training& training);

/// Trains it, from where it was stopped, unless it is finished. Its checkpoints are removed then.
/// Errors as train::train.
Trained train_once(const Training& training, const StudyOptions& options, Progress& progress);

/// 64 hexadecimal digits of the first `count` sets (none: all) of a data set: pictures and
/// captions.
std::string sets_hash(const std::filesystem::path& path, const std::optional<panels::Grid>& grid,
                      std::optional<int64_t> count);

}  // namespace iclora::study
