#pragma once
// A set as a describer looks at it.

#include <vector>

#include "captions/question.h"
#include "dataset/set.h"
#include "image/image.h"
#include "panels/layout.h"

namespace iclora::dataset {

/// No edge of a panel that is sent is longer, and the canvas has at most the square of
/// kCanvasResolution pixels: what vision models read without cutting or shrinking it themselves.
inline constexpr int64_t kLongestPanelEdge = 768;
inline constexpr int64_t kCanvasResolution = 1024;

struct CaptionPictures {
  std::vector<captions::EncodedPicture> panels;  ///< in reading order, uncut
  std::vector<captions::EncodedPicture> canvas;  ///< one; none for a set of one panel
};

/// A picture as JPEG, shrunk so that no edge is longer than `longest`.
captions::EncodedPicture encoded_jpeg(const image::Image& picture, int64_t longest);

/// Reads the pictures of a set, shrinks and encodes them (JPEG). `layout`: of the canvas. Errors
/// (exit 2) name the file, also when it was changed since the set was read.
CaptionPictures caption_pictures(const Set& set, const panels::Layout& layout);

}  // namespace iclora::dataset
