#pragma once
// Means over sets, how sure they are, and differences of two rows that were measured on the same
// sets.

#include <cstdint>
#include <vector>

#include "core/json.h"

namespace iclora::eval {

/// What was measured of one set: a sum over `weight` trials (panels, pairs, drawings of the same
/// caption). A weight of 0: nothing could be measured.
struct Observation {
  double sum = 0;
  double weight = 0;
  void add(double value, double trials = 1) {
    sum += value;
    weight += trials;
  }
  void add(const Observation& other) { add(other.sum, other.weight); }
};

struct Estimate {
  double value = 0;
  double low = 0, high = 0;  ///< 95 % interval: percentiles of 2000 bootstrap samples of sets
  int64_t sets = 0;          ///< of which something was measured; with none, all is 0
};

/// To four digits: more would only tell how sums were rounded.
double rounded(double value);
/// {"value", "low", "high", "sets"}, rounded.
Json estimate_json(const Estimate& estimate);

/// Sum over all sets by weight over all sets. The same observations give the same interval.
Estimate mean_of(const std::vector<Observation>& sets);

/// Mean of `a` minus mean of `b`; both have one observation a set, in the same order. Sets are
/// drawn in pairs: what a set's difficulty adds to both does not widen the interval. Sets that
/// either lacks are left out.
Estimate difference_of(const std::vector<Observation>& a, const std::vector<Observation>& b);

}  // namespace iclora::eval
