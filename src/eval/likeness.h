#pragma once
// How alike panels are, from their pixels alone: for sets of any world.

#include <array>
#include <vector>

#include "image/image.h"

namespace iclora::eval {

inline constexpr int64_t kThumbnail = 16;  ///< pixels a side
inline constexpr int64_t kShades = 6;      ///< of each channel in a histogram

/// What is compared of one panel.
struct PanelLook {
  std::array<float, kShades * kShades * kShades> histogram;  ///< of colours, sums to 1
  std::vector<float> thumbnail;                              ///< 16 x 16 x 3, in 0..1
};
PanelLook look_of(const image::Image& panel);

/// The share of pixels whose colours both have (the intersection of their histograms), 0 to 1:
/// says whether a palette is shared, wherever its colours lie.
double colours_shared(const PanelLook& a, const PanelLook& b);
/// Mean absolute difference of the thumbnails, 0 to 1: says whether the same thing is in the same
/// place.
double apart(const PanelLook& a, const PanelLook& b);

/// Below this difference two panels are the same picture drawn twice.
inline constexpr double kCopy = 0.02;

}  // namespace iclora::eval
