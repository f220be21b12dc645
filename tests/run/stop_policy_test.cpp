#include "run/stop_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace iclora::run {
namespace {

using Verdict = StopPolicy::Verdict;

/// What comes of steps 1 to `steps` when those in `bad` are not finite.
std::vector<Verdict> verdicts(StopPolicy& policy, int64_t from, int64_t to,
                              const std::vector<int64_t>& bad) {
  std::vector<Verdict> all;
  for (int64_t step = from; step <= to; ++step) {
    const bool finite = std::find(bad.begin(), bad.end(), step) == bad.end();
    all.push_back(policy.observe(step, finite));
  }
  return all;
}

TEST(StopPolicy, SkipsAndCounts) {
  StopPolicy policy;
  const auto all = verdicts(policy, 1, 100, {5, 6, 50, 69, 70});
  for (int64_t step = 1; step <= 100; ++step) {
    const bool bad = step == 5 || step == 6 || step == 50 || step == 69 || step == 70;
    EXPECT_EQ(all[static_cast<size_t>(step - 1)], bad ? Verdict::skip : Verdict::proceed) << step;
  }
  EXPECT_EQ(policy.skipped(), 5);
}

TEST(StopPolicy, GoesBackAtTheThirdWithinTwentySteps) {
  StopPolicy just_within, just_without;
  EXPECT_EQ(verdicts(just_within, 1, 29, {10, 11, 29}).back(), Verdict::roll_back);
  EXPECT_EQ(verdicts(just_without, 1, 30, {10, 11, 30}).back(), Verdict::skip);
}

TEST(StopPolicy, StopsWhenTheSameTroubleComesAgain) {
  StopPolicy policy;
  verdicts(policy, 1, 12, {3});
  const StopPolicy saved = policy;
  EXPECT_EQ(verdicts(policy, 13, 42, {13, 40, 41, 42}).back(), Verdict::roll_back);
  EXPECT_EQ(policy.skipped(), 5);
  policy.rolled_back(saved);
  EXPECT_EQ(policy.skipped(), 1);
  EXPECT_EQ(verdicts(policy, 13, 42, {13, 40, 41, 42}).back(), Verdict::stop);
  try {
    policy.fail_stopped(42);
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), 7);
    EXPECT_THAT(error.what(), testing::HasSubstr("steps 40, 41, 42"));
  }
}

TEST(StopPolicy, ForgivesOnceThePlaceIsPassed) {
  StopPolicy policy;
  verdicts(policy, 1, 12, {10, 11, 12});
  policy.rolled_back(StopPolicy());
  StopPolicy too_soon = policy;
  EXPECT_EQ(verdicts(too_soon, 1, 32, {30, 31, 32}).back(), Verdict::stop);
  EXPECT_EQ(verdicts(policy, 1, 36, {34, 35, 36}).back(), Verdict::roll_back);
}

TEST(StopPolicy, ComesBackFromJsonAtEveryStep) {
  for (int64_t cut = 1; cut < 60; ++cut) {
    StopPolicy whole, first;
    const std::vector<int64_t> bad = {4, 9, 33, 34, 50};
    const auto all = verdicts(whole, 1, 60, bad);
    verdicts(first, 1, cut, bad);
    StopPolicy second = StopPolicy::from_json(parse_json(first.to_json().dump(), "x"), "x");
    EXPECT_EQ(second, first);
    const auto rest = verdicts(second, cut + 1, 60, bad);
    EXPECT_TRUE(std::equal(rest.begin(), rest.end(), all.begin() + cut));
    EXPECT_EQ(second, whole);
  }
  StopPolicy gave_up;
  verdicts(gave_up, 1, 3, {1, 2, 3});
  EXPECT_EQ(StopPolicy::from_json(gave_up.to_json(), "x"), gave_up);
}

TEST(StopPolicy, RefusesAnotherJson) {
  for (const char* text : {"{}", R"({"skipped":-1,"recent":[]})", R"({"skipped":0,"recent":3})",
                           R"({"skipped":0,"recent":["1"]})", R"({"skipped":0,"recent":[0]})",
                           R"({"skipped":0,"recent":[],"gave_up_at":"x"})"}) {
    EXPECT_THROW(StopPolicy::from_json(parse_json(text, "x"), "x"), Error) << text;
  }
}

}  // namespace
}  // namespace iclora::run
