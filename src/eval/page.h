#pragma once
// A comparison as one HTML page that needs nothing else: table, plot and pictures inlined.

#include <string>

#include "eval/compare.h"

namespace iclora::eval {

/// Texts out of files are escaped. Shows the first canvas of every set in every row, at most
/// `most_sets` sets.
std::string comparison_page(const Comparison& comparison, size_t most_sets = 200);

}  // namespace iclora::eval
