#include "eval/estimate.h"

#include <algorithm>
#include <cmath>

#include "core/philox.h"

namespace iclora::eval {
namespace {

constexpr size_t kSamples = 2000;
constexpr size_t kTail = kSamples / 40;  // 2.5 %

using Pair = std::pair<Observation, Observation>;

double difference(const Pair& sums) {
  // A row that is compared with nothing has the weight 0.
  const auto mean = [](const Observation& sum) {
    return sum.weight > 0 ? sum.sum / sum.weight : 0;
  };
  return mean(sums.first) - mean(sums.second);
}

Estimate estimate(const std::vector<Pair>& sets) {
  Estimate out;
  out.sets = static_cast<int64_t>(sets.size());
  if (sets.empty()) return out;
  Pair all;
  for (const auto& [a, b] : sets) {
    all.first.add(a);
    all.second.add(b);
  }
  out.value = difference(all);
  std::vector<double> values(kSamples);
  for (size_t sample = 0; sample < kSamples; ++sample) {
    const Random random(0, Stream::bootstrap, sample);
    Pair sum;
    for (size_t i = 0; i < sets.size(); ++i) {
      const Pair& pick = sets[static_cast<size_t>(uint64_t{random.bits(i)} * sets.size() >> 32)];
      sum.first.add(pick.first);
      sum.second.add(pick.second);
    }
    values[sample] = difference(sum);
  }
  std::sort(values.begin(), values.end());
  out.low = values[kTail];
  out.high = values[kSamples - 1 - kTail];
  return out;
}

}  // namespace

double rounded(double value) {
  return std::round(value * 1e4) / 1e4;
}

Json estimate_json(const Estimate& estimate) {
  return {{"value", rounded(estimate.value)},
          {"low", rounded(estimate.low)},
          {"high", rounded(estimate.high)},
          {"sets", estimate.sets}};
}

Estimate mean_of(const std::vector<Observation>& sets) {
  std::vector<Pair> counted;
  for (const Observation& set : sets) {
    if (set.weight > 0) counted.emplace_back(set, Observation{});
  }
  return estimate(counted);
}

Estimate difference_of(const std::vector<Observation>& a, const std::vector<Observation>& b) {
  std::vector<Pair> counted;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (a[i].weight > 0 && b[i].weight > 0) counted.emplace_back(a[i], b[i]);
  }
  return estimate(counted);
}

}  // namespace iclora::eval
