#include "panels/solve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "core/philox.h"
#include "refusal.h"

namespace iclora::panels {
namespace {

using testing::HasSubstr;
using testing_support::refusal_of;

/// Numbers of one trial.
class Draws {
 public:
  explicit Draws(uint64_t trial) : random_(trial, Stream::order) {}
  int64_t from(int64_t low, int64_t high) {
    return low +
           static_cast<int64_t>(random_.bits(next_++) % static_cast<uint64_t>(high - low + 1));
  }

 private:
  Random random_;
  uint64_t next_ = 0;
};

/// Boxes disjoint, inside, edges multiples of 16: what every solver promises.
void expect_lawful(const Layout& layout, int64_t panels, std::optional<int64_t> resolution) {
  ASSERT_EQ(static_cast<int64_t>(layout.boxes.size()), panels);
  EXPECT_EQ(layout.grid.count(), panels);
  EXPECT_EQ(layout.width % 16, 0);
  EXPECT_EQ(layout.height % 16, 0);
  for (size_t i = 0; i < layout.boxes.size(); ++i) {
    const Box& a = layout.boxes[i];
    EXPECT_TRUE(a.x % 16 == 0 && a.y % 16 == 0 && a.width % 16 == 0 && a.height % 16 == 0);
    EXPECT_TRUE(a.x >= 0 && a.y >= 0 && a.width >= 16 && a.height >= 16);
    EXPECT_TRUE(a.x + a.width <= layout.width && a.y + a.height <= layout.height);
    for (size_t j = 0; j < i; ++j) {
      const Box& b = layout.boxes[j];
      EXPECT_TRUE(a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y ||
                  b.y + b.height <= a.y);
    }
  }
  if (resolution) {
    EXPECT_LE(layout.width * layout.height, *resolution * *resolution);
  }
  // The layout survives being written down.
  EXPECT_EQ(layout_from_json(layout_to_json(layout), "x"), layout);
}

TEST(SolveGrid, AnyGridAnySizesAnyGutter) {
  int solved = 0;
  for (uint64_t trial = 0; trial < 3000; ++trial) {
    Draws draws(trial);
    const Grid grid = {draws.from(1, 8), draws.from(1, 8)};
    std::vector<Size> pictures;
    const bool same = draws.from(0, 1) == 0;
    for (int64_t i = 0; i < grid.count(); ++i) {
      pictures.push_back(same && i > 0 ? pictures[0]
                                       : Size{draws.from(1, 2000), draws.from(1, 2000)});
    }
    const int64_t gutter = 16 * draws.from(0, 5);
    std::optional<int64_t> resolution;
    if (draws.from(0, 1) == 0) resolution = draws.from(16, 3000);
    const Size panel = common_size(pictures);
    try {
      const Layout layout = solve_grid(grid, panel, gutter, resolution);
      ++solved;
      expect_lawful(layout, grid.count(), resolution);
      EXPECT_EQ(layout.grid, grid);
      const Box& first = layout.boxes[0];
      for (size_t i = 0; i < layout.boxes.size(); ++i) {
        EXPECT_EQ(layout.boxes[i].width, first.width);
        EXPECT_EQ(layout.boxes[i].height, first.height);
        // Never enlarged, not even to cover.
        EXPECT_LE(first.width, pictures[i].width);
        EXPECT_LE(first.height, pictures[i].height);
      }
      // Where nothing limits the canvas, no whole token is given away.
      if (!resolution) {
        EXPECT_GT(first.width + 16, panel.width);
        EXPECT_GT(first.height + 16, panel.height);
      }
      // The shape is kept as well as tokens allow: within one token either way.
      const auto w = static_cast<double>(first.width), h = static_cast<double>(first.height);
      const double shape = static_cast<double>(panel.width) / static_cast<double>(panel.height);
      EXPECT_LT(std::abs(w - h * shape), 16 * (1 + shape) + 1e-9);
    } catch (const Error& error) {
      EXPECT_EQ(error.exit_code(), 2);
      const bool small = panel.width < 16 || panel.height < 16;
      EXPECT_TRUE(small || resolution ||
                  std::string(error.what()).find("pixels") != std::string::npos)
          << error.what();
    }
  }
  EXPECT_GT(solved, 1500);
}

TEST(SolveGrid, UsesWhatTheResolutionAllows) {
  for (uint64_t trial = 0; trial < 500; ++trial) {
    Draws draws(trial);
    const Grid grid = {draws.from(1, 3), draws.from(1, 3)};
    const Size panel = {draws.from(600, 2000), draws.from(600, 2000)};
    const int64_t resolution = draws.from(500, 1500);
    const Layout layout = solve_grid(grid, panel, 0, resolution);
    const double full = std::min(static_cast<double>(resolution * resolution),
                                 static_cast<double>(grid.count() * panel.width * panel.height));
    // The narrowest panels here are five tokens wide (500 / 3 px at 1 : 3.3), and giving away part
    // of one token there costs the most.
    EXPECT_GT(static_cast<double>(layout.width * layout.height), 0.75 * full)
        << panel.width << "x" << panel.height << " at " << resolution;
  }
}

TEST(SolveStrip, AnyShapesKeepTheirShape) {
  int solved = 0;
  for (uint64_t trial = 0; trial < 2000; ++trial) {
    Draws draws(trial);
    const Strip strip = draws.from(0, 1) == 0 ? Strip::row : Strip::column;
    std::vector<Size> pictures;
    const int64_t count = draws.from(1, 9);
    for (int64_t i = 0; i < count; ++i)
      pictures.push_back({draws.from(8, 900), draws.from(8, 900)});
    const int64_t gutter = 16 * draws.from(0, 3);
    std::optional<int64_t> resolution;
    if (draws.from(0, 1) == 0) resolution = draws.from(64, 2000);
    try {
      const Layout layout = solve_strip(strip, pictures, gutter, resolution);
      ++solved;
      expect_lawful(layout, count, resolution);
      for (size_t i = 0; i < pictures.size(); ++i) {
        const Box& box = layout.boxes[i];
        EXPECT_TRUE(strip == Strip::row ? box.height == layout.height : box.width == layout.width);
        EXPECT_LE(box.width, pictures[i].width);
        EXPECT_LE(box.height, pictures[i].height);
      }
    } catch (const Error& error) {
      EXPECT_EQ(error.exit_code(), 2) << error.what();
    }
  }
  EXPECT_GT(solved, 1500);
}

TEST(SolveBoxes, AnyDisjointBoxesStayDisjoint) {
  int solved = 0;
  for (uint64_t trial = 0; trial < 2000; ++trial) {
    Draws draws(trial);
    // Boxes inside the cells of an uneven grid are disjoint.
    const Grid cells = {draws.from(1, 4), draws.from(1, 4)};
    Layout stated = cut_layout(cells, draws.from(40, 1500), draws.from(40, 1500));
    for (Box& box : stated.boxes) {
      const int64_t left = draws.from(0, box.width / 3), top = draws.from(0, box.height / 3);
      box = {box.x + left, box.y + top, box.width - left - draws.from(0, box.width / 3),
             box.height - top - draws.from(0, box.height / 3)};
    }
    std::optional<int64_t> resolution;
    if (draws.from(0, 1) == 0) resolution = draws.from(64, 2000);
    try {
      const Layout layout = solve_boxes(stated, resolution);
      ++solved;
      expect_lawful(layout, cells.count(), resolution);
      EXPECT_LE(layout.width, stated.width);
      EXPECT_LE(layout.height, stated.height);
    } catch (const Error& error) {
      EXPECT_EQ(error.exit_code(), 2) << error.what();
    }
  }
  EXPECT_GT(solved, 1000);
}

TEST(CommonSize, IsThePicturesOwnWhereTheyAgreeElseWhatAllCanFill) {
  EXPECT_EQ(common_size({{1080, 480}, {1080, 480}}), (Size{1080, 480}));
  // A wide and a tall picture meet at a square.
  EXPECT_EQ(common_size({{800, 400}, {400, 800}}), (Size{400, 400}));
  // Equal shapes: the smaller size.
  EXPECT_EQ(common_size({{800, 400}, {400, 200}}), (Size{400, 200}));
}

TEST(Solvers, RefuseWhatCannotBe) {
  EXPECT_THAT(refusal_of([] {
                solve_grid({1, 1}, {15, 64});
              }),
              HasSubstr("smaller than the least"));
  EXPECT_THAT(refusal_of([] { solve_grid({2, 2}, {64, 64}, 8); }), HasSubstr("the nearest is 16"));
  EXPECT_THAT(refusal_of([] { check_gutter(-3, "gutter"); }), HasSubstr("the nearest is 0"));
  EXPECT_THAT(refusal_of([] {
                solve_grid({4, 4}, {64, 64}, 0, 48);
              }),
              HasSubstr("do not fit the resolution 48"));
  EXPECT_THAT(refusal_of([] {
                solve_grid({1, 1}, {64, 64}, 0, 8);
              }),
              HasSubstr("from 16 to 16384"));
  EXPECT_THAT(refusal_of([] { solve_grid({2, 2}, {8192, 8192}); }), HasSubstr("resolution"));
  EXPECT_EQ(solve_grid({2, 2}, {8192, 8192}, 0, 1024).width, 1024);
  EXPECT_THAT(refusal_of([] { solve_strip(Strip::row, {}); }), HasSubstr("1 to 64 panels"));
  EXPECT_THAT(refusal_of([] {
                solve_boxes({100, 100, {1, 1}, {{0, 0, 7, 100}}});
              }),
              HasSubstr("too small"));
}

}  // namespace
}  // namespace iclora::panels
