#pragma once
// A comparison: every row of the plan on every task, trained, drawn and measured once and kept, so
// that a run which was stopped, or a plan that has grown, makes only what is not there yet.

#include <filesystem>
#include <string>
#include <vector>

#include "core/json.h"
#include "core/progress.h"
#include "study/cell.h"
#include "study/plan.h"
#include "study/training.h"

namespace iclora::study {

/// What the plan needs of one task, and what of it is there.
struct TaskCells {
  const TaskPlan* task = nullptr;
  Json about;                         ///< sets, repeat, grid, labelled, shared, varies
  std::vector<std::string> captions;  ///< of the first sets, for the page
  std::vector<Cell> cells;  ///< finished ones, in the plan's order; drawn, shuffled, rebuilt first
  std::vector<std::string> missing;  ///< labels
};

struct Study {
  const Plan* plan = nullptr;
  std::string model_sha256;
  Json settings;  ///< of drawing
  std::vector<TaskCells> tasks;
};

/// One piece of work.
struct Work {
  std::string task, what;  ///< "lora, 40 sets"
  bool training = false;   ///< else drawing
  bool done = false;
};

/// What there is to do, in its order; nothing is made. Reads and checks all that can be refused:
/// plan, model, classifier, all sets. Errors (exit 2).
std::vector<Work> work_of(const Plan& plan, const StudyOptions& options);

/// Does what is missing, task by task, and calls `after_task` with all that is there by then, at
/// least once, and when it is stopped. Errors as train::train and eval::draw_tasks, before which
/// everything is checked as by work_of. `plan` outlives what it returns.
Study run_study(const Plan& plan, const StudyOptions& options,
                const std::function<void(const Study&)>& after_task, Progress& progress);

}  // namespace iclora::study
