#pragma once
// Plots of a comparison, as SVG.

#include <string>
#include <vector>

#include "study/study.h"

namespace iclora::study {

/// A figure a measure: how it grows with the number of training sets, a line for each row that has
/// several numbers of them, with intervals; the untrained model as a dashed line. Empty where there
/// is no such row.
std::string dose_plots(const Study& study);

/// A figure a measure: all rows, dots with intervals, over all tasks.
std::string row_plots(const Study& study, const std::vector<std::string>& labels);

}  // namespace iclora::study
