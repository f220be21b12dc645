#pragma once
// From cells to figures: every row of every task, rows over all tasks, and contrasts. A function of
// the cells alone.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "eval/estimate.h"
#include "study/study.h"

namespace iclora::study {

/// The cells of one label, one a task at most.
std::vector<const Cell*> cells_of(const Study& study, const std::string& label);
/// All labels that some task has a cell of, in the order in which they come up.
std::vector<std::string> labels_of(const Study& study);
/// Over the sets of all these cells.
eval::Estimate pooled(const std::vector<const Cell*>& cells, const std::string& measure);

/// The mean of what the cells have of it; none where none has.
std::optional<double> mean_over(const std::vector<const Cell*>& cells,
                                const std::function<std::optional<double>(const Cell&)>& value);
/// Of a cell that was drawn.
std::optional<double> seconds_a_canvas(const Cell& cell);
std::optional<double> training_seconds(const Cell& cell);

/// What a contrast came to; paired set by set, over the tasks that have both rows.
struct Contrast {
  const ContrastPlan* plan = nullptr;
  eval::Estimate difference;
  std::vector<std::pair<std::string, eval::Estimate>> by_task;
  /// "yes": the whole interval is at least what was expected; "no": none of it is; else, and of a
  /// single set, whose interval is a point, "open". Empty where nothing was expected or nothing
  /// could be measured.
  std::string holds;
};
std::vector<Contrast> contrasts_of(const Study& study);

/// docs/study.md has the form.
Json report_json(const Study& study);

}  // namespace iclora::study
