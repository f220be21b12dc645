#pragma once
// A contact sheet of generated canvases: what was asked for, what was read, where they differ.

#include <cstdint>
#include <vector>

#include "eval/score.h"
#include "image/image.h"

namespace iclora::eval {

/// At most `width` wide: small pictures are enlarged by whole multiples, which show their pixels as
/// they are; what is too wide is made smaller.
image::Image fitted_picture(const image::Image& picture, int64_t width);

/// `pictures[i]` is the canvas of `canvases[i]`. Shows them in their order, as many as fit on a
/// page of at most 16,384 pixels of height; panels of which something else was read are marked in
/// red.
image::Image contact_sheet(const std::vector<ReadCanvas>& canvases,
                           const std::vector<image::Image>& pictures, const Classifier& classifier);

}  // namespace iclora::eval
