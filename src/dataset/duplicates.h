#pragma once
// Pictures that are the same, or nearly.

#include <array>
#include <vector>

#include "dataset/problem.h"
#include "dataset/set.h"
#include "image/image.h"

namespace iclora::dataset {

/// A picture as 24 x 24 mean colours: what survives another size, format or compression.
struct Fingerprint {
  static constexpr size_t kCells = 24;
  std::array<float, kCells * kCells * 3> cells{};  ///< less the picture's mean colour
  std::array<float, 3> mean{};                     ///< 0 to 255
  float spread = 0;  ///< root mean square of `cells`: the picture's contrast
  /// `cells` averaged over colours and blocks of 3 x 3, as multiples of the contrast: tells most
  /// pairs apart at once.
  std::array<float, 64> coarse{};
};
/// Of the part `box` of a picture.
Fingerprint fingerprint(const image::Image& picture, const panels::Box& box);

/// How far apart two pictures are, each in units of its own contrast, so that brightness and
/// contrast hardly count: 0 only for equal cells, below 0.03 for a copy in another size or format,
/// about 1.4 for unrelated pictures.
double distance(const Fingerprint& a, const Fingerprint& b);

/// Reports panels that stand twice in a set, sets that are copies of others, and single panels that
/// other sets have too. `prints[s][p]` is of panel p of set s.
void report_duplicates(const std::vector<Set>& sets,
                       const std::vector<std::vector<Fingerprint>>& prints, Problems& problems);

}  // namespace iclora::dataset
