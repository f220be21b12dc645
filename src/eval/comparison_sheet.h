#pragma once
// A comparison as one picture: figures of all rows, then set by set what each row made.

#include "eval/compare.h"
#include "image/image.h"

namespace iclora::eval {

/// As many sets as fit on a page of at most 16,384 pixels of height; what was read wrong stands in
/// red.
image::Image comparison_sheet(const Comparison& comparison);

}  // namespace iclora::eval
