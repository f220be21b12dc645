#include "run/schedule.h"

#include <gtest/gtest.h>

#include "core/json.h"

namespace iclora::run {
namespace {

TrainConfig config_of(const Json& entry) {
  TrainConfig train;
  train.learning_rate = 1.0;
  train.steps = entry["steps"];
  train.warmup = entry["warmup"];
  const std::string name = entry["schedule"];
  train.schedule = name == "constant" ? Schedule::constant
                   : name == "linear" ? Schedule::linear
                                      : Schedule::cosine;
  return train;
}

// diffusers counts its warm-up from 0, so that its first step learns nothing: ours at step k is
// theirs at k + 1. After the warm-up both are the same.
TEST(LearningRate, IsThatOfDiffusers) {
  const Json cases = read_json(ICLORA_FIXTURES "/run/schedules.json");
  ASSERT_EQ(cases.size(), 15u);
  for (const Json& entry : cases) {
    const TrainConfig train = config_of(entry);
    for (int64_t step = 0; step < train.steps; ++step) {
      const int64_t theirs = step < train.warmup ? step + 1 : step;
      // Both are computed in doubles by the same formula in another order of operations.
      EXPECT_NEAR(learning_rate(train, step), entry["factors"][theirs].get<double>(), 1e-14)
          << entry["schedule"] << " warm-up " << train.warmup << " step " << step;
    }
  }
}

TEST(LearningRate, WarmsUpFromTheFirstStep) {
  TrainConfig train;
  train.learning_rate = 2e-4;
  train.warmup = 4;
  EXPECT_DOUBLE_EQ(learning_rate(train, 0), 0.5e-4);
  EXPECT_DOUBLE_EQ(learning_rate(train, 3), 2e-4);
  EXPECT_DOUBLE_EQ(learning_rate(train, 599), 2e-4);
  train.warmup = 0;
  EXPECT_DOUBLE_EQ(learning_rate(train, 0), 2e-4);
}

TEST(LearningRate, NeverFallsBelowZeroWhenAWarmUpFillsTheRun) {
  TrainConfig train;
  train.steps = 3;
  train.warmup = 10;
  train.schedule = Schedule::cosine;
  EXPECT_DOUBLE_EQ(learning_rate(train, 2), train.learning_rate * 0.3);
  EXPECT_GE(learning_rate(train, 11), 0);
}

}  // namespace
}  // namespace iclora::run
