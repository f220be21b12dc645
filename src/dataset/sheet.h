#pragma once
// Contact sheets: every set's canvas with its joint caption beneath.

#include <vector>

#include "core/progress.h"
#include "dataset/plan.h"
#include "image/image.h"

namespace iclora::dataset {

struct SheetOptions {
  int64_t width = 1600;  ///< pixels of a page
  int64_t columns = 3;
  int64_t page_height = 8000;  ///< a page ends with the row that would pass it
};

/// Pages of the plan's sets, training before validation, each at its first resolution. Pictures are
/// read in several threads. Errors (exit 2) name the file, or sizes that cannot be.
std::vector<image::Image> contact_sheets(const std::vector<Set>& sets, const Plan& plan,
                                         const DataOptions& data, const SheetOptions& options,
                                         Progress& progress);

}  // namespace iclora::dataset
