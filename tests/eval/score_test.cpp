#include "eval/score.h"

#include <gtest/gtest.h>

namespace iclora::eval {
namespace {

std::vector<Guess> read_as(int64_t subject, int64_t style) {
  return {{0, 1}, {subject, 0.9}, {style, 0.8}, {0, 1}, {0, 1}};
}

TEST(Share, HasTheIntervalOfItsNumber) {
  // 60 of 100 canvases of one panel: the bootstrap's interval is the binomial's, of standard
  // deviation sqrt(0.6 0.4 / 100) = 0.049; 2000 samples blur its ends by less than half of that.
  std::vector<Tally> canvases;
  for (int64_t i = 0; i < 100; ++i) canvases.push_back({i < 60 ? 1 : 0, 1});
  const Share share = share_of(canvases);
  EXPECT_EQ(share.right, 60);
  EXPECT_EQ(share.of, 100);
  EXPECT_DOUBLE_EQ(share.share, 0.6);
  EXPECT_NEAR(share.low, 0.6 - 1.96 * 0.049, 0.024);
  EXPECT_NEAR(share.high, 0.6 + 1.96 * 0.049, 0.024);
}

TEST(Share, IsWiderWherePanelsOfACanvasGoTogether) {
  std::vector<Tally> apart, together;
  for (int64_t i = 0; i < 40; ++i) {
    apart.push_back({2, 4});
    together.push_back({i % 2 == 0 ? 4 : 0, 4});
  }
  EXPECT_DOUBLE_EQ(share_of(apart).low, 0.5);
  EXPECT_LT(share_of(together).low, 0.45);
}

TEST(Share, OfNothingIsNothing) {
  EXPECT_EQ(share_of({}).of, 0);
  EXPECT_EQ(share_of({{0, 0}, {0, 0}}).share, 0);
  EXPECT_EQ(share_of({{3, 3}}).low, 1);
}

TEST(Score, CountsWhatWasExpectedAndWhatCameFromAnotherPanel) {
  HeldOutCaption caption;
  caption.grid = {1, 3};
  caption.panels = {{{1, 0}, {2, 0}}, {{1, 1}}, {{1, 2}, {2, 1}}};
  // Right; the third panel's subject; its own subject in the first panel's style.
  const std::vector<ReadCanvas> canvases = {
      {&caption, {read_as(0, 0), read_as(2, 0), read_as(2, 0)}}};
  const ColumnScore subject = score_column(canvases, 1);
  EXPECT_EQ(subject.right.right, 2);
  EXPECT_EQ(subject.right.of, 3);
  EXPECT_EQ(subject.from_other_panel, 1);
  const ColumnScore style = score_column(canvases, 2);
  EXPECT_EQ(style.right.right, 1);
  EXPECT_EQ(style.right.of, 2);
  EXPECT_EQ(style.from_other_panel, 1);
  EXPECT_EQ(score_column(canvases, 3).right.of, 0);
  const Share whole = score_whole_panels(canvases);
  EXPECT_EQ(whole.right, 1);
  EXPECT_EQ(whole.of, 3);
}

TEST(Score, ReportsTheColumnsThatWereExpected) {
  const Classifier classifier = open_classifier(ICLORA_FIXTURES "/eval/classifier.safetensors");
  HeldOutCaption caption;
  caption.panels = {{{1, 0}}};
  const Json json = score_json({{&caption, {read_as(0, 0)}}}, classifier);
  EXPECT_EQ(json["panels"], 1);
  ASSERT_EQ(json["columns"].size(), 1u);
  EXPECT_EQ(json["columns"]["subject"]["share"], 1.0);
  EXPECT_EQ(json["all"]["of"], 1);
}

}  // namespace
}  // namespace iclora::eval
