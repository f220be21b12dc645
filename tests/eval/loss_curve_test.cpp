#include "eval/loss_curve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "scratch.h"

namespace iclora::eval {
namespace {

using testing::HasSubstr;
using testing_support::ScratchFolder;

TEST(LossCurve, IsSmoothedAndLeavesOutWhatWasSkipped) {
  const ScratchFolder scratch;
  EXPECT_TRUE(read_losses(scratch / "none.jsonl").empty());
  std::ofstream log(scratch / "metrics.jsonl");
  for (int step = 1; step <= 60; ++step) {
    log << R"({"step": )" << step << R"(, "loss": )" << (step % 2 == 0 ? 1.5 : 0.5) << "}\n";
  }
  log << R"({"step": 61, "loss": null, "skipped": true})"
      << "\n";
  log.close();
  const auto points = read_losses(scratch / "metrics.jsonl");
  ASSERT_EQ(points.size(), 60U);
  EXPECT_EQ(points.back().step, 60);
  // Five steps around the 30th: 1.5 on three of them.
  EXPECT_NEAR(points[29].loss, (3 * 1.5 + 2 * 0.5) / 5, 1e-12);
}

TEST(LossCurve, FallsFromTheUpperLeftToTheLowerRight) {
  const std::vector<LossPoint> points = {{1, 2.0}, {50, 1.5}, {100, 1.0}};
  const std::string svg = loss_svg(points);
  EXPECT_THAT(svg, HasSubstr("points=\"60.0,8.0 "));
  EXPECT_THAT(svg, HasSubstr("750.0,172.0\""));
  EXPECT_THAT(svg, HasSubstr("step 100"));
  const image::Image page = loss_picture(points, 400, 120);
  const auto blue = [&](int64_t x, int64_t y) {
    const uint8_t* pixel = page.row(y) + 3 * x;
    return pixel[0] < 100 && pixel[2] > 150;
  };
  const auto height_of = [&](int64_t x) {
    for (int64_t y = 0; y < 120; ++y) {
      if (blue(x, y)) return y;
    }
    return int64_t{-1};
  };
  const int64_t left = height_of(70), right = height_of(395);
  ASSERT_GE(left, 0);
  EXPECT_GT(right, left + 50);
}

}  // namespace
}  // namespace iclora::eval
