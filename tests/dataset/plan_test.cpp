#include "dataset/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_set.h"
#include "dataset/load.h"
#include "dataset/read_sets.h"
#include "image/read.h"
#include "image/resize.h"

namespace iclora::dataset {
namespace {

using testing::HasSubstr;
using testing_support::ScratchFolder;

/// A set of pictures of these sizes that need not exist.
Set set_of(const std::string& id, const std::vector<panels::Size>& sizes) {
  Set set;
  set.id = id;
  set.file = id;
  for (const panels::Size& size : sizes) {
    set.panels.emplace_back();
    set.panels.back().size = size;
    set.panels.back().picture = id + ".png";
  }
  return set;
}

panels::Size canvas(const Set& set, const DataOptions& options,
                    std::optional<int64_t> resolution = {}) {
  const panels::Layout layout = layout_of(set, options, resolution);
  return {layout.width, layout.height};
}

TEST(LayoutOf, SnapsPanelsToTokensAndNeverEnlarges) {
  // The authors' storyboards: 1080 wide, a third of 1439 high.
  const Set shots = set_of("a", {{1080, 480}, {1080, 480}, {1080, 479}});
  EXPECT_EQ(canvas(shots, {}), (panels::Size{1072, 3 * 464}));
  const Set even = set_of("a", {{1080, 480}, {1080, 480}, {1080, 480}});
  EXPECT_EQ(canvas(even, {}), (panels::Size{1072, 1440}));
  EXPECT_EQ(canvas(even, {}, 4096), (panels::Size{1072, 1440}));
  const panels::Size small = canvas(even, {}, 512);
  EXPECT_LE(small.width * small.height, 512 * 512);
  EXPECT_GT(small.width * small.height, 512 * 512 * 85 / 100);
  DataOptions wide;
  wide.grid = panels::Grid{1, 3};
  wide.panel = panels::Size{64, 96};
  wide.gutter = 16;
  EXPECT_EQ(canvas(even, wide), (panels::Size{3 * 64 + 2 * 16, 96}));
}

TEST(LayoutOf, TheSetsOwnWordCountsWhereNoneIsStated) {
  Set set = set_of("a", {{64, 64}, {64, 64}, {64, 64}, {64, 64}});
  EXPECT_EQ(layout_of(set, {}).grid, (panels::Grid{4, 1}));
  set.dialect = captions::Dialect::corners;
  EXPECT_EQ(layout_of(set, {}).grid, (panels::Grid{2, 2}));
  set.grid = panels::Grid{1, 4};
  EXPECT_EQ(layout_of(set, {}).grid, (panels::Grid{1, 4}));
  DataOptions stated;
  stated.grid = panels::Grid{4, 1};
  EXPECT_EQ(layout_of(set, stated).grid, (panels::Grid{4, 1}));
  stated.grid = panels::Grid{3, 1};
  EXPECT_THROW(layout_of(set, stated), Error);
}

TEST(LayoutOf, StripsKeepShapesAndFreeBoxesTheirPlaces) {
  Set set = set_of("a", {{64, 96}, {200, 100}, {96, 96}});
  set.strip = panels::Strip::row;
  const panels::Layout strip = layout_of(set, {});
  EXPECT_EQ(strip.height, 96);
  EXPECT_EQ(strip.boxes[1], (panels::Box{64, 0, 192, 96}));
  set.strip.reset();
  set.boxes =
      panels::Layout{120, 100, {1, 3}, {{0, 0, 60, 100}, {60, 0, 60, 50}, {60, 50, 60, 50}}};
  const panels::Layout boxes = layout_of(set, {});
  EXPECT_EQ(boxes.width, 112);
  EXPECT_EQ(boxes.boxes[1], (panels::Box{64, 0, 48, 48}));
  EXPECT_EQ(boxes.boxes[2], (panels::Box{64, 48, 48, 48}));
}

TEST(JointCaptionOf, TakesDialectAndTriggerFromWhereTheyAreStated) {
  Set set = set_of("a", {{64, 64}, {64, 64}});
  set.caption = {"", "two mugs", {"red", "blue"}};
  EXPECT_EQ(joint_caption(set, {1, 2}, {}), "two mugs [LEFT] red [RIGHT] blue");
  EXPECT_EQ(joint_caption(set, {2, 1}, {}), "two mugs [TOP] red [BOTTOM] blue");
  set.dialect = captions::Dialect::image;
  EXPECT_EQ(joint_caption(set, {1, 2}, {}), "two mugs [IMAGE1] red [IMAGE2] blue");
  set.dialect = captions::Dialect::halves;  // wrong on this grid
  EXPECT_EQ(joint_caption(set, {1, 2}, {}), "two mugs [LEFT] red [RIGHT] blue");
  DataOptions options;
  options.dialect = captions::Dialect::scene;
  options.trigger = "[MUGS]";
  const std::string whole = "[MUGS] two mugs [SCENE-1] red [SCENE-2] blue";
  EXPECT_EQ(joint_caption(set, {1, 2}, options), whole);
  set.caption.trigger = "[MUGS]";
  EXPECT_EQ(joint_caption(set, {1, 2}, options), whole);
  set.caption = {"", "[MUGS] two mugs", {"red", "blue"}};
  EXPECT_EQ(joint_caption(set, {1, 2}, options), whole);
  set.caption = {"[MUGSY]", "two mugs", {"red", "blue"}};
  EXPECT_EQ(joint_caption(set, {1, 2}, options),
            "[MUGS] [MUGSY] two mugs [SCENE-1] red [SCENE-2] "
            "blue");
  // A text without markers stays without; one panel is an ordinary caption.
  set.caption = {"", "two mugs side by side", {}};
  EXPECT_EQ(joint_caption(set, {1, 2}, {}), "two mugs side by side");
  Set one = set_of("b", {{64, 64}});
  one.caption = {"", "a mug", {"red"}};
  EXPECT_EQ(joint_caption(one, {1, 1}, {}), "a mug red");
}

TEST(PlanSets, HoldsOutTheSameSetsWhateverTheirOrder) {
  std::vector<Set> sets;
  sets.reserve(20);
  for (int i = 0; i < 20; ++i) sets.push_back(set_of(fmt::format("set-{}", i), {{32, 32}}));
  const auto held_ids = [](const std::vector<Set>& list, int64_t count) {
    std::vector<std::string> names;
    for (const size_t i : held_out_sets(list, count)) names.push_back(list[i].id);
    std::sort(names.begin(), names.end());
    return names;
  };
  const auto three = held_ids(sets, 3);
  EXPECT_EQ(three.size(), 3U);
  std::reverse(sets.begin(), sets.end());
  EXPECT_EQ(held_ids(sets, 3), three);
  const auto five = held_ids(sets, 5);
  EXPECT_TRUE(std::includes(five.begin(), five.end(), three.begin(), three.end()));
  EXPECT_THROW(held_out_sets(sets, 20), Error);
  DataOptions options;
  options.validation = 3;
  Problems problems;
  const Plan plan = plan_sets(sets, options, problems);
  EXPECT_EQ(plan.training.size(), 17U);
  EXPECT_EQ(plan.validation.size(), 3U);
}

TEST(PlanSets, MakesBucketsOfEqualLayoutsAtEachResolution) {
  const std::vector<Set> sets = {set_of("a", {{64, 64}, {64, 64}}), set_of("b", {{64, 64}}),
                                 set_of("c", {{64, 64}, {64, 64}})};
  DataOptions options;
  options.resolutions = {64, 128};
  Problems problems;
  const Plan plan = plan_sets(sets, options, problems);
  EXPECT_TRUE(problems.empty()) << all_lines(problems);
  ASSERT_EQ(plan.training.size(), 6U);
  ASSERT_EQ(plan.buckets.size(), 3U);  // b has 64x64 at both
  EXPECT_EQ(plan.buckets[0].items, (std::vector<size_t>{0, 2}));
  EXPECT_EQ(plan.buckets[1].items, (std::vector<size_t>{1, 4}));
  EXPECT_EQ(plan.buckets[2].items, (std::vector<size_t>{3, 5}));
  EXPECT_EQ(plan.buckets[2].layout.height, 128);
}

TEST(PlanSets, TellsWhatIsCutAndWhatIsEnlarged) {
  const std::vector<Set> sets = {set_of("wide", {{200, 64}, {64, 64}}), set_of("odd", {{70, 64}}),
                                 set_of("small", {{16, 16}})};
  DataOptions options;
  options.panel = panels::Size{64, 64};
  Problems problems;
  plan_sets(sets, options, problems);
  EXPECT_TRUE(find_problem(problems, "wide.png", "68 % of panel 1")) << all_lines(problems);
  EXPECT_TRUE(find_problem(problems, "odd.png", "9 % of panel 1"));
  EXPECT_TRUE(find_problem(problems, "small.png", "enlarged 4.00 times"));
  EXPECT_FALSE(has_errors(problems));
  options.fit.kind = Fit::Kind::contain;
  problems.clear();
  plan_sets(sets, options, problems);
  EXPECT_FALSE(find_problem(problems, "wide.png", "cut off")) << all_lines(problems);
}

TEST(PlanSets, RefusesContradictionsAndReportsMisfits) {
  const std::vector<Set> sets = {set_of("a", {{64, 64}, {64, 64}}), set_of("b", {{8, 8}})};
  Problems problems;
  plan_sets(sets, {}, problems);
  EXPECT_TRUE(find_problem(problems, "b", "smaller than the least"));
  DataOptions options;
  options.gutter = 10;
  EXPECT_THROW(plan_sets(sets, options, problems), Error);
  options = {};
  options.panel = panels::Size{60, 64};
  EXPECT_THROW(plan_sets(sets, options, problems), Error);
  options = {};
  options.grid = panels::Grid{3, 1};
  problems.clear();
  EXPECT_TRUE(plan_sets(sets, options, problems).training.empty());
  EXPECT_TRUE(find_problem(problems, "a", "The grid 3x1 has 3 panels, but the set has 2."));
}

TEST(LoadSet, ComposesFittedPanelsAndMasksTheGutters) {
  const ScratchFolder scratch;
  put_set(scratch / "a", 2, 48, 32, 1, "two [LEFT] a [RIGHT] b");
  put_photo(scratch / "a" / "2.png", 100, 40, 9);
  const std::vector<Set> sets = read_sets(scratch.path());
  DataOptions options;
  options.panel = panels::Size{48, 32};
  options.gutter = 16;
  options.fit.centre = {0, 0.5};
  Problems problems;
  const Plan plan = plan_sets(sets, options, problems);
  const PreparedSet prepared = load_set(sets[0], plan.training[0], options.fit);
  EXPECT_EQ(prepared.canvas.width, 112);
  EXPECT_EQ(prepared.caption, "two [LEFT] a [RIGHT] b");
  ASSERT_EQ(prepared.panels.size(), 2U);
  EXPECT_EQ(prepared.panels[0], image::read_image(scratch / "a" / "1.png"));
  EXPECT_EQ(prepared.panels[1],
            image::fit_cover(image::read_image(scratch / "a" / "2.png"), 48, 32, 0, 0.5));
  EXPECT_EQ(panels::split(prepared.canvas, prepared.layout), prepared.panels);
  ASSERT_EQ(prepared.loss_mask.size(), 14U * 4U);
  for (size_t i = 0; i < prepared.loss_mask.size(); ++i) {
    EXPECT_EQ(prepared.loss_mask[i], i % 14 < 6 || i % 14 >= 8) << i;
  }
}

TEST(LoadSet, CutsAGluedCanvasIntoExactPixels) {
  const ScratchFolder scratch;
  put_photo(scratch / "a.png", 48, 96, 1);
  put_text(scratch / "a.txt", "x [SCENE-1] a [SCENE-2] b [SCENE-3] c");
  const std::vector<Set> sets = read_sets(scratch.path());
  Problems problems;
  const Plan plan = plan_sets(sets, {}, problems);
  EXPECT_TRUE(problems.empty()) << all_lines(problems);
  const PreparedSet prepared = load_set(sets[0], plan.training[0], {});
  EXPECT_EQ(prepared.canvas, image::read_image(scratch / "a.png"));
}

TEST(CanvasKey, ChangesWithWhateverChangesThePixels) {
  const ScratchFolder scratch;
  put_set(scratch / "a", 2, 48, 32, 1, "two [LEFT] a [RIGHT] b");
  std::vector<Set> sets = read_sets(scratch.path());
  Problems problems;
  const Item item = plan_sets(sets, {}, problems).training[0];
  const Fit fit;
  const std::string key = canvas_key(sets[0], item, fit);
  EXPECT_EQ(key.size(), 64U);
  EXPECT_EQ(canvas_key(read_sets(scratch.path())[0], item, fit), key);
  EXPECT_NE(canvas_key(sets[0], item, {Fit::Kind::contain, {}}), key);
  EXPECT_NE(canvas_key(sets[0], item, {Fit::Kind::cover, {0.5, 0.25}}), key);
  DataOptions other;
  other.grid = panels::Grid{2, 1};
  const Item stacked = plan_sets(sets, other, problems).training[0];
  EXPECT_NE(canvas_key(sets[0], stacked, fit), key);
  EXPECT_EQ(panel_key(sets[0], stacked, fit, 2), panel_key(sets[0], item, fit, 2));
  EXPECT_NE(panel_key(sets[0], item, fit, 1), panel_key(sets[0], item, fit, 2));
  // A picture that changes after it was read is noticed, and has another key when read again.
  put_photo(scratch / "a" / "2.png", 48, 32, 77);
  try {
    load_set(sets[0], item, fit);
    FAIL() << "a changed picture was used";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("was changed"));
  }
  EXPECT_NE(canvas_key(read_sets(scratch.path())[0], item, fit), key);
}

}  // namespace
}  // namespace iclora::dataset
