#pragma once
// One row of one task: its sets drawn as the row says.

#include <memory>
#include <optional>
#include <vector>

#include "core/progress.h"
#include "eval/long_captions.h"
#include "eval/row.h"
#include "eval/set_scorer.h"
#include "study/plan.h"
#include "study/training.h"

namespace iclora::study {

/// What the rows of a plan have in common.
struct DrawingInputs {
  sampling::OpenModel model;  ///< the plan's
  eval::DrawSettings settings;
  /// Scores candidates, in every row the same: the plan's classifier, else the one beside the
  /// models, else the one beside the plan's model. None where there is none or no row asks for it.
  std::shared_ptr<const eval::WordReader> reader;
};
DrawingInputs open_drawing(const Plan& plan, const StudyOptions& options);

/// What a row draws with beside the plan's model: neither, or one of the two.
struct RowSource {
  const run::Config* training = nullptr;       ///< the configuration of its training
  const lora::AdapterFile* adapter = nullptr;  ///< a file that was there already
};

/// What a row draws with, settled.
struct RowDrawing {
  sampling::OpenModel model;  ///< the plan's, or what full tuning made of it
  std::optional<lora::AdapterFile> adapter;
  dataset::DataOptions caption;  ///< trigger and dialect alone: the adapter's
  eval::DrawSettings settings;   ///< but for the adapter
  std::vector<int64_t> given;
  bool silent = false;
  std::optional<CandidatesPlan> candidates;
  std::shared_ptr<const eval::WordReader> reader;  ///< for the candidates' score
};

/// How a row's canvases come to be, beside the trained weights: method, condition and the like.
/// Part of a cell's key.
Json row_settings(const Plan& plan, const PlannedRow& row, const RowSource& source,
                  const DrawingInputs& inputs);

/// `trained`: of the row's training, if it has one and that is finished. Before that its captions
/// are as its configuration says; a tag that all training captions begin with is not known yet.
RowDrawing open_row(const PlannedRow& row, const DrawingInputs& inputs, const RowSource& source,
                    const std::optional<Trained>& trained);

/// What scores a row's candidates, a scorer a set. Errors (exit 2) as eval::make_scorer: the words
/// are known before anything is trained.
std::vector<eval::SetScorer> scorers_of(const RowDrawing& drawing, const eval::TestSets& sets);

/// The sets' captions as this row reads them.
void add_captions(const RowDrawing& drawing, const eval::TestSets& sets,
                  eval::LongCaptions& captions);

/// The given panels are some of every set's, not all. Set i (from 0) is drawn with seed + i, its
/// k-th repetition with that plus k times the number of sets: the same in every row. Candidate c of
/// a canvas has its seed plus c times the number of all canvases. Returns the row with its
/// canvases, not measured yet, and its seconds.
eval::Row draw_row(const RowDrawing& drawing, const eval::TestSets& sets, uint64_t seed,
                   int64_t repeat, Progress& progress);

/// Steps of the transformer for one canvas, those of its candidates included.
int64_t steps_of(const RowDrawing& drawing);

}  // namespace iclora::study
