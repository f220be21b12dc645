#include "eval/estimate.h"

#include <gtest/gtest.h>

namespace iclora::eval {
namespace {

std::vector<Observation> shares(const std::vector<double>& values) {
  std::vector<Observation> out;
  out.reserve(values.size());
  for (const double value : values) out.push_back({value, 1});
  return out;
}

TEST(MeanOf, WeighsSetsByTheirTrials) {
  const Estimate estimate = mean_of({{1, 4}, {2, 2}, {0, 0}});
  EXPECT_DOUBLE_EQ(estimate.value, 0.5);
  EXPECT_EQ(estimate.sets, 2);
  EXPECT_LE(estimate.low, 0.5);
  EXPECT_GE(estimate.high, 0.5);
}

TEST(MeanOf, IntervalIsThatOfABinomialShare) {
  // 30 of 100: the normal approximation gives 0.3 +- 1.96 * sqrt(0.3 * 0.7 / 100) = 0.3 +- 0.09.
  std::vector<double> values(100, 0);
  std::fill_n(values.begin(), 30, 1);
  const Estimate estimate = mean_of(shares(values));
  // Two steps of 0.01 beside it: the sample has whole hits.
  EXPECT_NEAR(estimate.low, 0.21, 0.02);
  EXPECT_NEAR(estimate.high, 0.39, 0.02);
}

TEST(MeanOf, NothingMeasuredIsZero) {
  const Estimate estimate = mean_of({{0, 0}});
  EXPECT_EQ(estimate.sets, 0);
  EXPECT_EQ(estimate.high, 0);
}

TEST(DifferenceOf, PairsSetsSoThatTheirDifficultyCancels) {
  // Every set gains exactly 0.2, however different the sets are.
  const auto easy = shares({0.1, 0.5, 0.9, 0.3});
  const auto better = shares({0.3, 0.7, 1.1, 0.5});
  const Estimate difference = difference_of(better, easy);
  EXPECT_NEAR(difference.value, 0.2, 1e-12);
  EXPECT_NEAR(difference.low, 0.2, 1e-12);
  EXPECT_NEAR(difference.high, 0.2, 1e-12);
  EXPECT_GT(mean_of(better).high - mean_of(better).low, 0.3);
}

TEST(DifferenceOf, LeavesOutWhatEitherLacks) {
  const Estimate difference = difference_of({{1, 1}, {1, 1}, {0, 0}}, {{0, 1}, {0, 0}, {1, 1}});
  EXPECT_EQ(difference.sets, 1);
  EXPECT_DOUBLE_EQ(difference.value, 1);
}

}  // namespace
}  // namespace iclora::eval
