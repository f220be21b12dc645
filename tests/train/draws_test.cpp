#include "train/draws.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace iclora::train {
namespace {

TEST(Draws, DependOnSeedStepAndPositionAlone) {
  const Place place{7, 3, 2};
  EXPECT_TRUE(at::equal(draw_noise(place, 16, 8, 6), draw_noise(place, 16, 8, 6)));
  for (const Place& other : {Place{8, 3, 2}, Place{7, 4, 2}, Place{7, 3, 1}}) {
    EXPECT_FALSE(at::equal(draw_noise(place, 16, 8, 6), draw_noise(other, 16, 8, 6)));
    EXPECT_NE(draw_timestep(place, {}), draw_timestep(other, {}));
  }
}

TEST(Draws, TimestepsFollowTheirDistribution) {
  run::TimestepConfig uniform;
  uniform.sampling = run::TimestepSampling::uniform;
  run::TimestepConfig shifted = uniform;
  shifted.shift = 3;
  double logit_mean = 0, uniform_mean = 0;
  constexpr int count = 20000;
  for (int i = 0; i < count; ++i) {
    const Place place{1, i, 0};
    const double t = draw_timestep(place, {});
    EXPECT_GT(t, 0);
    EXPECT_LT(t, 1);
    logit_mean += std::log(t / (1 - t)) / count;
    const double u = draw_timestep(place, uniform);
    uniform_mean += u / count;
    EXPECT_NEAR(draw_timestep(place, shifted), 3 * u / (1 + 2 * u), 1e-6);
  }
  // Five standard errors: 1 / sqrt(20000) and 1 / sqrt(12 * 20000).
  EXPECT_NEAR(logit_mean, 0, 5 * 0.0071);
  EXPECT_NEAR(uniform_mean, 0.5, 5 * 0.0021);
}

TEST(Draws, GivenPanelsAreAProperSubsetAsOftenAsAsked) {
  std::map<std::vector<int64_t>, int> seen;
  constexpr int count = 12000;
  for (int i = 0; i < count; ++i) ++seen[draw_given({5, i, 1}, 0.5, 3)];
  EXPECT_EQ(seen.size(), 7U);  // none, and 2^3 - 2 subsets
  EXPECT_NEAR(seen[{}], count / 2.0, 5 * 55);
  for (const auto& [given, times] : seen) {
    EXPECT_LT(given.size(), 3U);
    if (!given.empty()) {
      EXPECT_NEAR(times, count / 12.0, 5 * 31);
    }
  }
  EXPECT_TRUE(draw_given({5, 1, 1}, 1.0, 1).empty());
  EXPECT_FALSE(draw_given({5, 1, 1}, 1.0, 2).empty());
}

TEST(Draws, SilenceIsAsOftenAsAskedAndHasNothingToDoWithWhoIsGiven) {
  int silent = 0, both = 0;
  constexpr int count = 12000;
  for (int i = 0; i < count; ++i) {
    const bool one = draw_given_silent({5, i, 1}, 0.25);
    silent += one ? 1 : 0;
    both += one && draw_given({5, i, 1}, 0.5, 3).empty() ? 1 : 0;
  }
  // Five standard errors: sqrt(12000 * p * (1 - p)).
  EXPECT_NEAR(silent, count / 4.0, 5 * 47.4);
  EXPECT_NEAR(both, count / 8.0, 5 * 36.2);
}

TEST(Order, ShowsEveryItemOnceAPassAndCanBeEnteredAnywhere) {
  Order order(9, 0, 10);
  std::vector<int64_t> sequence;
  for (int64_t i = 0; i < 50; ++i) sequence.push_back(order.at(i));
  for (int pass = 0; pass < 5; ++pass) {
    EXPECT_EQ(
        std::set<int64_t>(sequence.begin() + 10 * pass, sequence.begin() + 10 * pass + 10).size(),
        10U);
  }
  EXPECT_NE(std::vector<int64_t>(sequence.begin(), sequence.begin() + 10),
            std::vector<int64_t>(sequence.begin() + 10, sequence.begin() + 20));
  Order late(9, 0, 10);
  EXPECT_EQ(late.at(37), sequence[37]);
  EXPECT_EQ(late.at(3), sequence[3]);
}

TEST(BucketTurns, GiveEachBucketItsShareOfTheSteps) {
  BucketTurns turns({6, 3, 1});
  std::vector<int64_t> taken(3, 0);
  for (int64_t step = 0; step < 100; ++step) {
    const auto turn = turns.at(step);
    EXPECT_EQ(turn.count, taken[turn.bucket]);
    ++taken[turn.bucket];
    for (size_t i = 0; i < 3; ++i) {
      const double share = (i == 0 ? 0.6 : i == 1 ? 0.3 : 0.1) * static_cast<double>(step + 1);
      EXPECT_NEAR(static_cast<double>(taken[i]), share, 1.0) << step;
    }
  }
  EXPECT_EQ(BucketTurns({6, 3, 1}).at(77).count, turns.at(77).count);
}

}  // namespace
}  // namespace iclora::train
