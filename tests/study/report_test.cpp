#include "study/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "study/page.h"

namespace iclora::study {
namespace {

using testing::HasSubstr;

/// Two tasks of four sets; `shares` of success a set.
Cell cell(const std::string& task, const std::string& label, std::vector<double> shares) {
  Cell out;
  out.task = task;
  out.label = out.key = label;
  out.about = Json::object();
  for (size_t i = 0; i < shares.size(); ++i) {
    out.ids.push_back(std::to_string(i));
    out.measures.push_back({{"success", {shares[i], 1}}});
  }
  out.canvases = 4;
  out.seconds = 2;
  out.steps = 20;
  return out;
}

struct Made {
  Plan plan;
  Study study;
};

Made made() {
  Made out;
  out.plan.file = "a <plan>.yaml";
  out.plan.tasks = {{"one", "held", "train", false}, {"two", "held", "", true}};
  out.plan.trainings = {{"lora", {10, 40}, Json::object()}};
  RowPlan base, lora;
  base.name = "base";
  base.headline = true;
  lora.name = "LoRA";
  lora.training = "lora";
  out.plan.rows = {base, lora};
  out.plan.contrasts = {{"learns", "LoRA, 40 sets", "base", "success", 0.2},
                        {"copies less", "base", "LoRA, 10 sets", "copies", {}},
                        {"too much", "LoRA, 40 sets", "base", "success", 0.9}};
  out.study.settings = {{"steps", 20}, {"guidance", 3.5}, {"seed", 0}, {"dtype", "fp32"}};
  TaskCells one, two;
  one.cells = {cell("one", "base", {0, 0, 0, 0}), cell("one", "LoRA, 10 sets", {0, 1, 0, 1}),
               cell("one", "LoRA, 40 sets", {1, 1, 0, 1})};
  one.cells[2].training = {"key", 40, 600, 61.5, 0.25};
  two.cells = {cell("two", "base", {1, 0, 1, 0})};
  two.missing = {"LoRA, 40 sets"};
  out.study.tasks = {one, two};
  return out;
}

void link(Made& made) {
  made.study.plan = &made.plan;
  for (size_t i = 0; i < 2; ++i) made.study.tasks[i].task = &made.plan.tasks[i];
}

TEST(StudyReport, RowsAreOverTheSetsOfAllTheirTasks) {
  Made all = made();
  link(all);
  const Json report = report_json(all.study);
  EXPECT_EQ(report["missing"], 1);
  EXPECT_EQ(report["rows"][0]["row"], "base");
  EXPECT_EQ(report["rows"][0]["tasks"], Json({"one", "two"}));
  EXPECT_EQ(report["rows"][0]["measures"]["success"]["value"], 0.25);
  EXPECT_EQ(report["rows"][0]["measures"]["success"]["sets"], 8);
  EXPECT_EQ(report["rows"][0]["seconds_a_canvas"], 0.5);
  EXPECT_EQ(report["rows"][2]["measures"]["success"]["value"], 0.75);
  EXPECT_EQ(report["rows"][2]["training"]["seconds"], 61.5);
  EXPECT_EQ(report["tasks"][0]["rows"][1]["measures"]["success"]["value"], 0.5);
  EXPECT_EQ(report["tasks"][1]["missing"], Json({"LoRA, 40 sets"}));
}

TEST(StudyReport, ContrastsArePairedOverTheTasksThatHaveBothRows) {
  Made all = made();
  link(all);
  const std::vector<Contrast> contrasts = contrasts_of(all.study);
  ASSERT_EQ(contrasts.size(), 3U);
  EXPECT_EQ(contrasts[0].difference.value, 0.75);
  EXPECT_EQ(contrasts[0].difference.sets, 4);
  ASSERT_EQ(contrasts[0].by_task.size(), 1U);
  EXPECT_EQ(contrasts[0].by_task[0].first, "one");
  EXPECT_EQ(contrasts[0].holds, "yes");  // the interval of {1, 1, 0, 1} does not reach below 0.25
  EXPECT_GE(contrasts[0].difference.low, 0.2);
  // Nobody measured it.
  EXPECT_EQ(contrasts[1].difference.sets, 0);
  EXPECT_EQ(contrasts[1].holds, "");
  EXPECT_EQ(contrasts[2].holds, "open");
  const Json json = report_json(all.study)["contrasts"];
  EXPECT_EQ(json[0]["holds"], "yes");
  EXPECT_FALSE(json[1].contains("value"));
}

TEST(StudyReport, OneSetProvesNothing) {
  Made all = made();
  link(all);
  for (Cell& one : all.study.tasks[0].cells) {
    one.ids.resize(1);
    one.measures.resize(1);
  }
  const Contrast found = contrasts_of(all.study)[0];
  EXPECT_EQ(found.difference.value, 1);
  EXPECT_EQ(found.difference.low, 1);  // there is but one set to draw
  EXPECT_EQ(found.holds, "open");
}

TEST(StudyReport, TrainingsOfSeveralSizesHaveNoSize) {
  Made all = made();
  link(all);
  all.study.tasks[1].cells.push_back(cell("two", "LoRA, 40 sets", {1, 1}));
  all.study.tasks[1].cells[1].training = {"key", 40, 600, 38.5, 0.25};
  EXPECT_EQ(report_json(all.study)["rows"][2]["training"],
            Json({{"sets", 40}, {"steps", 600}, {"seconds", 50.0}}));
  all.study.tasks[1].cells[1].training->sets = 30;
  EXPECT_EQ(report_json(all.study)["rows"][2]["training"],
            Json({{"steps", 600}, {"seconds", 50.0}}));
}

TEST(StudyPage, HoldsEverythingItselfAndEscapes) {
  Made all = made();
  link(all);
  all.study.tasks[0].captions = {"a pair <&>"};
  const std::string page = study_page(all.study, "/nowhere");
  EXPECT_THAT(page, HasSubstr("a &lt;plan&gt;"));
  EXPECT_THAT(page, HasSubstr("a pair &lt;&amp;&gt;"));
  EXPECT_THAT(page, HasSubstr("success by training sets"));
  EXPECT_THAT(page, HasSubstr("1 rows are not there yet"));
  EXPECT_THAT(page, HasSubstr("75.0 %"));
  EXPECT_THAT(page, HasSubstr("<td class=right>yes</td>"));
  EXPECT_THAT(page, HasSubstr("<td class=soft>open</td>"));
  EXPECT_EQ(page.find("http"), std::string::npos);
}

}  // namespace
}  // namespace iclora::study
