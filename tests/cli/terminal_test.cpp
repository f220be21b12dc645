#include "cli/terminal.h"

#include <gtest/gtest.h>

namespace iclora::cli {
namespace {

TEST(ProgressLine, HasPhaseStepRateAndTimeLeft) {
  EXPECT_EQ(progress_line({"sampling", 5, 20, {}, 10.0, 0}),
            "sampling 5/20, 2 s a step, 30 s left");
  EXPECT_EQ(progress_line({"training", 100, 600, 0.25, 10.0, 0}),
            "training 100/600, loss 0.2500, 10 steps a second, 50 s left");
  EXPECT_EQ(progress_line({"training", 1, 600, 0.25, 2.0, 1'230'000'000}),
            "training 1/600, loss 0.2500, 2 s a step, 19 min 58 s left, 1.23 GB");
}

TEST(ProgressLine, LeavesOutWhatIsNotKnown) {
  EXPECT_EQ(progress_line({"text", 0, 0, {}, 0.2, 0}), "text");
  EXPECT_EQ(progress_line({"text", 0, 2, {}, 4.0, 0}), "text 0/2, 4 s so far");
  EXPECT_EQ(progress_line({"text", 2, 2, {}, 4.0, 0}), "text 2/2, 2 s a step");
}

TEST(Duration, IsWrittenInTheUnitThatFits) {
  EXPECT_EQ(duration_text(0.125), "0.125 s");
  EXPECT_EQ(duration_text(47), "47 s");
  EXPECT_EQ(duration_text(200), "3 min 20 s");
  EXPECT_EQ(duration_text(7500), "2 h 5 min");
}

}  // namespace
}  // namespace iclora::cli
