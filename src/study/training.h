#pragma once
// The trainings of a comparison: made when a row needs one, gone on with when it was stopped, and
// used again when it is there.
//
//   OUT/trainings/TASK-NAME[-SETS]-KEY/    a run's folder; done.json once it is finished

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/progress.h"
#include "dataset/set.h"
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
  run::Config config;           ///< with its folder
  std::optional<int64_t> sets;  ///< only the first; none: all
  int64_t count = 0;            ///< how many there are
  std::string key;              ///< of all that the result depends on
  std::filesystem::path folder() const { return config.out; }
};

/// A finished one.
struct Trained {
  TrainingRecord record;
  std::filesystem::path result;  ///< an adapter, or of full tuning a model folder
};

/// The training sets of a task's rows, each data set read once. Errors (exit 2).
class SetsRead {
 public:
  const std::vector<dataset::Set>& at(const std::string& path,
                                      const std::optional<panels::Grid>& grid);

 private:
  std::map<std::string, std::vector<dataset::Set>> read_;
};

/// Nothing is trained. Errors (exit 2), also where there are too few sets.
Training plan_training(const Plan& plan, const TaskPlan& task, const PlannedRow& row,
                       const sampling::OpenModel& model, const StudyOptions& options,
                       SetsRead& sets);

/// None where it is not finished, or where what says so cannot be read.
std::optional<Trained> find_trained(const Training& training);

/// Trains it, from where it was stopped, unless it is finished. Its checkpoints are removed then.
/// Errors as train::train.
Trained train_once(const Training& training, const StudyOptions& options, Progress& progress);

/// 64 hexadecimal digits of pictures, captions and how the panels are to be laid out.
std::string sets_hash(const std::vector<dataset::Set>& sets);

}  // namespace iclora::study
