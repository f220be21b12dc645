#pragma once
// What was expected of panels against what was read of them.

#include <cstddef>
#include <vector>

#include "core/json.h"
#include "eval/captions.h"
#include "eval/classifier.h"
#include "eval/interval.h"

namespace iclora::eval {

/// One generated canvas: what was read of its panels, [panels][columns].
struct ReadCanvas {
  const HeldOutCaption* caption = nullptr;
  std::vector<std::vector<Guess>> panels;
};

/// Of the panels of which a column was expected.
struct ColumnScore {
  Share right;
  /// Wrong panels that show what was expected in another panel of their canvas.
  int64_t from_other_panel = 0;
};
ColumnScore score_column(const std::vector<ReadCanvas>& canvases, size_t column);
/// Panels in which all that was expected was read.
Share score_whole_panels(const std::vector<ReadCanvas>& canvases);

/// {"canvases", "panels", "columns": {NAME: {"right", "of", "share", "low", "high",
/// "from_other_panel"}}, "all": {...}}: columns that were expected somewhere, and whole panels.
Json score_json(const std::vector<ReadCanvas>& canvases, const Classifier& classifier);

}  // namespace iclora::eval
