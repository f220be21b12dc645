#pragma once
// The plan of a comparison: which tasks, which trainings, which ways of drawing, and what is held
// against what. docs/study.md describes the file.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "eval/drawing_request.h"
#include "run/config.h"
#include "sampling/given.h"
#include "sampling/method.h"

namespace iclora::study {

struct TaskPlan {
  std::string name;
  std::filesystem::path held_out;  ///< sets to draw anew and to compare with
  std::filesystem::path train;     ///< sets to train on; empty: this task's rows train nothing
  bool headline = false;           ///< only the rows that are marked so
};

struct TrainingPlan {
  std::string name;
  std::vector<int64_t> sets;  ///< how many of the training sets, once each; empty: all of them
  Json settings;              ///< native configuration keys, dotted, over the plan's
};

/// Several seeds in few steps, the best one finished (eval/candidates.h).
struct CandidatesPlan {
  int64_t count = 0;
  std::optional<int64_t> steps;
  std::string score = "auto";  ///< or "classifier" | "pixels"
};

struct RowPlan {
  std::string name;
  std::string training;       ///< empty: `adapter`, or the model as it is
  std::string adapter;        ///< a file that is there already, as the plan names it (adapter_path)
  std::vector<int64_t> sets;  ///< of those of its training; empty: every one
  bool headline = false;
  std::optional<sampling::Method> method;  ///< none: as trained, else canvas
  std::vector<int64_t> given;              ///< real panels that are given, ascending
  /// None: clean where training had given panels, else replace.
  std::optional<sampling::GivenMethod> condition;
  std::optional<bool> given_at_zero;          ///< of clean; none: as trained
  std::optional<flux::GivenSees> given_sees;  ///< of clean at zero; none: as trained
  double strength = 1.0;                      ///< of sdedit
  double given_attention = 1.0;
  bool silent = false;  ///< the parts of given panels are left empty: only the pictures tell
  std::optional<CandidatesPlan> candidates;
};

/// Row `a` minus row `b`, by label, over the sets of all tasks that have both.
struct ContrastPlan {
  std::string name;
  std::string a, b;
  std::string measure;
  std::optional<double> at_least;  ///< what was expected of the difference
};

struct Plan {
  std::filesystem::path file;
  std::string model;
  Json recipe;    ///< native training configuration; model, data.path and out come from here
  Json settings;  ///< of every training, over the recipe: native keys, dotted
  eval::DrawingRequest draw;
  std::optional<int64_t> count;  ///< only the first held-out sets
  int64_t repeat = 1;            ///< canvases a set
  int64_t pictures = 4;          ///< sets of each task whose canvases are kept for the page
  std::vector<TaskPlan> tasks;
  std::vector<TrainingPlan> trainings;
  std::vector<RowPlan> rows;
  std::vector<ContrastPlan> contrasts;
};

/// A row at one number of training sets.
struct PlannedRow {
  const RowPlan* row = nullptr;
  const TrainingPlan* training = nullptr;  ///< none: the model as it is
  std::optional<int64_t> sets;             ///< none: all, or no training
  std::string label;                       ///< the row's name, with ", N sets" where there is one
};

/// Reads a YAML file. `cache`: what ${CACHE} in its paths stands for. Strict. Errors (exit 2) name
/// the file and the key: unknown keys, values out of range, rows and trainings that do not fit
/// together, labels that stand twice, contrasts of rows that there are not.
Plan read_plan(const std::filesystem::path& file, const std::filesystem::path& cache);

/// The rows of one task in the plan's order.
std::vector<PlannedRow> rows_of(const Plan& plan, const TaskPlan& task);

/// The file that a row with an adapter draws this task with: ${TASK} in it is the task's name.
std::filesystem::path adapter_path(const RowPlan& row, const TaskPlan& task);

/// The configuration of one training of one task; `out` is its folder.
run::Config training_config(const Plan& plan, const TaskPlan& task, const TrainingPlan& training,
                            const std::filesystem::path& out);

std::string_view name_of(sampling::GivenMethod condition);

}  // namespace iclora::study
