#pragma once
// One row of one task: its sets drawn as the row says.

#include <optional>

#include "core/progress.h"
#include "eval/row.h"
#include "study/plan.h"
#include "study/training.h"

namespace iclora::study {

/// What a row draws with, settled.
struct RowDrawing {
  sampling::OpenModel model;  ///< the plan's, or what full tuning made of it
  std::optional<lora::AdapterFile> adapter;
  eval::DrawSettings settings;  ///< but for the adapter
  std::vector<int64_t> given;
  bool silent = false;
  std::optional<CandidatesPlan> candidates;
  std::optional<std::filesystem::path> classifier;  ///< for the candidates' score
};

/// How a row's canvases come to be, beside the trained weights: method, condition and the like.
/// `training`: the row's, if it has one. Part of a cell's key.
Json row_settings(const Plan& plan, const PlannedRow& row, const run::Config* training,
                  const eval::DrawSettings& defaults);

/// `trained`: of the row's training, if it has one. Errors (exit 2) name the row: a given panel
/// that the sets have not, or none left to draw.
RowDrawing open_row(const Plan& plan, const PlannedRow& row, const sampling::OpenModel& base,
                    const run::Config* training, const std::optional<Trained>& trained,
                    const StudyOptions& options);

/// Set i (from 0) is drawn with seed + i, its k-th repetition with that plus k times the number of
/// sets: the same in every row. Candidate c of a canvas has its seed plus c times the number of all
/// canvases. Returns the row with its canvases, not measured yet, and its seconds.
eval::Row draw_row(const RowDrawing& drawing, const eval::TestSets& sets, uint64_t seed,
                   int64_t repeat, Progress& progress);

/// Steps of the transformer for one canvas, those of its candidates included.
int64_t steps_of(const RowDrawing& drawing);

}  // namespace iclora::study
