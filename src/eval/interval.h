#pragma once
// Shares and how sure they are.

#include <cstdint>
#include <vector>

namespace iclora::eval {

/// Hits among trials, of one canvas: panels of a canvas are not independent, canvases are.
struct Tally {
  int64_t right = 0;
  int64_t of = 0;
};

struct Share {
  int64_t right = 0;
  int64_t of = 0;
  double share = 0;
  double low = 0, high = 0;  ///< 95 % interval: percentiles of 2000 bootstrap samples of canvases
};

/// Canvases without trials are left out. With none left, all is 0. The same tallies give the same
/// interval.
Share share_of(const std::vector<Tally>& canvases);

}  // namespace iclora::eval
