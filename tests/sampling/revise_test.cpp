#include "sampling/revise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "refusal.h"
#include "sampling/generate.h"
#include "scratch.h"

namespace iclora::sampling {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::refusal_of;
using testing_support::ScratchFolder;
namespace fs = std::filesystem;

class Revise : public testing::Test {
 protected:
  ScratchFolder scratch_;
  NoProgress progress_;

  ImageSet draw(const Request& request) { return generate(resolve(request, {}), "", progress_); }
  /// A set of this grid on disk.
  fs::path make(const panels::Grid& grid, const std::string& prompt) {
    Request request;
    request.model = ICLORA_FIXTURES "/models/toy-dev";
    request.prompt = prompt;
    request.grid = grid;
    request.panel = Size{32, 32};
    request.steps = 2;
    request.seed = 5;
    set_ = draw(request);
    save(set_, output_paths(scratch_ / "set.png", 1, grid.count(), false));
    return scratch_ / "set.png";
  }
  std::vector<image::Image> parts_of(const ImageSet& set) {
    return panels::split(set.canvases[0].picture, set.layout);
  }
  ImageSet set_;
};

TEST_F(Revise, ARedonePanelIsNewAndTheOthersKeepEveryPixel) {
  const fs::path picture = make({2, 2}, "four mugs");
  Request request = redo_panels(picture, {3});
  EXPECT_FALSE(request.seed.has_value());
  request.seed = 6;
  const ImageSet anew = draw(request);
  const auto before = parts_of(set_), after = parts_of(anew);
  for (const size_t kept : {0, 1, 3}) EXPECT_EQ(after[kept], before[kept]) << kept;
  EXPECT_NE(after[2], before[2]);
  // And once more, from the redone set.
  save(anew, output_paths(scratch_ / "anew.png", 1, 4, false));
  Request again = redo_panels(scratch_ / "anew.png", {1, 3});
  again.seed = 7;
  const auto twice = parts_of(draw(again));
  EXPECT_EQ(twice[1], before[1]);
  EXPECT_EQ(twice[3], before[3]);
  EXPECT_NE(twice[2], after[2]);

  EXPECT_THAT(refusal_of([&] { redo_panels(picture, {5}); }), HasSubstr("panel 5"));
  EXPECT_THAT(refusal_of([&] { redo_panels(picture, {1, 1}); }), HasSubstr("twice"));
  EXPECT_THAT(refusal_of([&] { redo_panels(picture, {1, 2, 3, 4}); }), HasSubstr("no panel"));
}

TEST_F(Revise, AnExtendedSetKeepsItsPanelsAndContinuesItsCaption) {
  const fs::path picture =
      make({3, 1},
           "[SHOTS] <Anna> goes home [SCENE-1] she leaves [SCENE-2] she walks [SCENE-3] at home");
  Request request = extend_set(picture, {"she sleeps"});
  request.seed = 6;
  const Resolved resolved = resolve(request, {});
  EXPECT_EQ(resolved.joint_prompt,
            "[SHOTS] <Anna> goes home [SCENE-1] she leaves [SCENE-2] she walks [SCENE-3] at home "
            "[SCENE-4] she sleeps");
  EXPECT_EQ(panels::to_string(resolved.layout.grid), "4x1");
  const ImageSet longer = draw(request);
  const auto before = parts_of(set_), after = parts_of(longer);
  ASSERT_EQ(after.size(), 4U);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(after[i], before[i]) << i;
  // A set of 3 became 4; now it becomes 5.
  save(longer, output_paths(scratch_ / "longer.png", 1, 4, false));
  const Request five = extend_set(scratch_ / "longer.png", {"she dreams"});
  EXPECT_EQ(panels::to_string(*five.grid), "5x1");
  EXPECT_EQ(five.given.size(), 4U);
}

TEST_F(Revise, RowsGrowToTheRightAndGridsByWholeRows) {
  Request request = extend_set(make({1, 2}, "mugs [LEFT] red [RIGHT] blue"), {"green"});
  EXPECT_EQ(panels::to_string(*request.grid), "1x3");
  EXPECT_EQ(resolve(request, {}).joint_prompt, "mugs [SCENE-1] red [SCENE-2] blue [SCENE-3] green");
  const fs::path four =
      make({2, 2}, "mugs [TOP-LEFT] a [TOP-RIGHT] b [BOTTOM-LEFT] c [BOTTOM-RIGHT] d");
  EXPECT_THAT(refusal_of([&] { extend_set(four, {"e"}); }), HasSubstr("give it 2 times"));
  request = extend_set(four, {"e", "f"});
  EXPECT_EQ(panels::to_string(*request.grid), "3x2");
  EXPECT_THAT(request.panel_prompts, ElementsAre("a", "b", "c", "d", "e", "f"));
  EXPECT_THAT(refusal_of([&] {
                extend_set(make({1, 2}, "two mugs"), {"x"});
              }),
              HasSubstr("has 0 parts for its 2 panels"));
  request = extend_set(make({1, 1}, "a mug"), {"the same mug"});
  EXPECT_EQ(resolve(request, {}).joint_prompt, "[SCENE-1] a mug [SCENE-2] the same mug");
}

}  // namespace
}  // namespace iclora::sampling
