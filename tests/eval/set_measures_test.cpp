#include "eval/set_measures.h"

#include <gtest/gtest.h>

namespace iclora::eval {
namespace {

/// subject 0, style 1, background 2: readings are made by hand, no weights are needed.
Classifier columns() {
  Classifier out;
  out.columns = {{"subject", {"cat", "dog", "bee"}, 0},
                 {"style", {"flat", "ink"}, 3},
                 {"background", {"beach", "night", "room"}, 5}};
  return out;
}

/// The subject is shared and told by the first prompt, the style shared and told by none, the
/// background told by each.
struct Case {
  Classifier classifier = columns();
  TestSets sets;
  Case() {
    sets.labelled = true;
    sets.shared = {0, 1};
    sets.varies = {2};
    TestSet set;
    set.layout = panels::grid_layout({1, 3}, 32, 32);
    for (int64_t panel = 0; panel < 3; ++panel) {
      set.panels.emplace_back(32, 32);
      set.labels.push_back({{1, 0, panel}, {panel == 0, false, true}});
    }
    sets.sets = {set};
  }
  /// Each panel as {subject, style, background}.
  Measures measured(const std::vector<std::vector<int64_t>>& read,
                    const std::vector<sampling::GivenResult>& given = {}) const {
    DrawnSet drawn;
    drawn.given = given;
    drawn.canvas = image::Image(96, 32);
    for (const auto& panel : read) {
      drawn.panels.emplace_back(32, 32);
      drawn.read.emplace_back();
      for (const int64_t index : panel) drawn.read.back().push_back({index, 1.0});
    }
    return measure_set(sets, sets.sets[0], drawn, &classifier);
  }
};

TEST(MeasureSet, ARightSetIsASuccess) {
  const Measures found = Case().measured({{1, 0, 0}, {1, 0, 1}, {1, 0, 2}});
  for (const char* name : {"consistency", "consistency/subject", "consistency/style", "different",
                           "success", "adherence", "adherence/background"}) {
    ASSERT_TRUE(found.contains(name)) << name;
    EXPECT_EQ(found.at(name).sum, found.at(name).weight) << name;
  }
  EXPECT_EQ(found.at("adherence").weight, 3);
  EXPECT_EQ(found.at("adherence/subject").weight, 1);
  EXPECT_FALSE(found.contains("adherence/style"));
}

TEST(MeasureSet, WhatNoPromptTellsMustOnlyBeEqual) {
  EXPECT_EQ(Case().measured({{1, 1, 0}, {1, 1, 1}, {1, 1, 2}}).at("consistency").sum, 1);
  EXPECT_EQ(Case().measured({{1, 1, 0}, {1, 0, 1}, {1, 1, 2}}).at("consistency").sum, 0);
}

TEST(MeasureSet, EqualPanelsOfTheWrongSubjectAreNotConsistent) {
  const Measures found = Case().measured({{2, 0, 0}, {2, 0, 1}, {2, 0, 2}});
  EXPECT_EQ(found.at("consistency").sum, 0);
  EXPECT_EQ(found.at("consistency/subject").sum, 0);
  EXPECT_EQ(found.at("consistency/style").sum, 1);
  EXPECT_EQ(found.at("adherence").sum, 2);
}

TEST(MeasureSet, ACopyIsConsistentButNoSuccess) {
  const Measures found = Case().measured({{1, 0, 0}, {1, 0, 0}, {1, 0, 2}});
  EXPECT_EQ(found.at("consistency").sum, 1);
  EXPECT_EQ(found.at("different").sum, 0);
  EXPECT_EQ(found.at("success").sum, 0);
  EXPECT_EQ(found.at("adherence").sum, 2);
}

TEST(MeasureSet, PanelsThatNeedNotDifferMayBeEqual) {
  Case one;
  for (auto& labels : one.sets.sets[0].labels) labels.shows[2] = 1;
  const Measures found = one.measured({{1, 0, 1}, {1, 0, 1}, {1, 0, 1}});
  EXPECT_FALSE(found.contains("different"));
  EXPECT_EQ(found.at("success").sum, 1);
}

TEST(MeasureSet, IdentityIsWhatTheGivenPanelsShow) {
  // The second panel kept all of it, the third has another style.
  const Measures found = Case().measured({{1, 0, 0}, {1, 0, 1}, {1, 1, 0}}, {{1, 25.5, 51}});
  EXPECT_EQ(found.at("identity").sum, 1);
  EXPECT_EQ(found.at("identity").weight, 2);
  EXPECT_EQ(found.at("identity/subject").sum, 2);
  EXPECT_EQ(found.at("identity/style").sum, 1);
  const std::vector<Observation> traits = observations({found, {}}, "identity/*");
  EXPECT_EQ(traits.at(0).sum, 3);
  EXPECT_EQ(traits.at(0).weight, 4);
  EXPECT_EQ(traits.at(1).weight, 0);
  EXPECT_TRUE(has_measure({found}, "identity/*"));
  EXPECT_FALSE(has_measure({found}, "like_real/*"));
  EXPECT_TRUE(is_measure("identity/*"));
  EXPECT_FALSE(is_measure("like_real/*"));
  // A given panel is nobody's merit.
  EXPECT_EQ(found.at("adherence").weight, 2);
  EXPECT_EQ(found.at("adherence").sum, 1);
  EXPECT_EQ(found.at("like_real").weight, 2);
  EXPECT_EQ(found.at("like_given").weight, 2);
  EXPECT_NEAR(found.at("given_error").sum, 0.1, 1e-12);
  EXPECT_NEAR(found.at("given_seam").sum, 0.2, 1e-12);
  EXPECT_FALSE(Case().measured({{1, 0, 0}, {1, 0, 1}, {1, 1, 0}}).contains("identity"));
}

TEST(MeasureSet, OfGivenPanelsThatDifferAnyWillDo) {
  Case one;
  one.sets.sets[0].labels[0].shows[0] = 2;
  one.sets.sets[0].labels[0].shows[1] = std::nullopt;
  const std::vector<sampling::GivenResult> given = {{1, 0, 0}, {2, 0, 0}};
  for (const int64_t subject : {1, 2}) {
    EXPECT_EQ(one.measured({{2, 0, 0}, {1, 0, 1}, {subject, 0, 2}}, given).at("identity").sum, 1);
  }
  EXPECT_EQ(one.measured({{2, 0, 0}, {1, 0, 1}, {0, 0, 2}}, given).at("identity").sum, 0);
}

TEST(MeasureSet, WithoutLabelsMeasuresPixelsAlone) {
  Case one;
  one.sets.labelled = false;
  DrawnSet drawn;
  drawn.canvas = image::Image(96, 32);
  drawn.panels.resize(3, image::Image(32, 32));
  const Measures found = measure_set(one.sets, one.sets.sets[0], drawn, nullptr);
  EXPECT_FALSE(found.contains("consistency"));
  EXPECT_FALSE(found.contains("adherence"));
  EXPECT_EQ(found.at("copies").sum, 1);
  EXPECT_NEAR(found.at("colours_shared").sum, 3, 1e-5);
  EXPECT_EQ(found.at("like_real").weight, 3);
}

TEST(Verdicts, NameWhatIsWrongInWhichPanel) {
  const Case one;
  DrawnSet drawn;
  drawn.read = {{{1, 1}, {0, 1}, {0, 1}}, {{1, 1}, {1, 1}, {1, 1}}, {{1, 1}, {0, 1}, {0, 1}}};
  const auto found = verdicts(one.sets, one.sets.sets[0], drawn, one.classifier);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_FALSE(found[0].wrong);
  EXPECT_EQ(found[0].text, "dog, flat, beach");
  EXPECT_TRUE(found[1].wrong);
  EXPECT_NE(found[1].text.find("ink (!)"), std::string::npos);
  EXPECT_TRUE(found[2].wrong);
  EXPECT_NE(found[2].text.find("beach (!)"), std::string::npos);
}

}  // namespace
}  // namespace iclora::eval
