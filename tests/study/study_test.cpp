#include "study/study.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "core/error.h"
#include "heard_warnings.h"
#include "sampling/text_length.h"
#include "study_fixture.h"

namespace iclora::study {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing_support::kStudyPlan;
using testing_support::StudyTest;
using testing_support::write_pairs;

TEST_F(StudyTest, MakesEveryRowOnceAndGoesOnAfterAStop) {
  const Plan all = plan();
  const Json report = run(all);
  EXPECT_EQ(report["missing"], 0);
  std::vector<std::string> labels;
  for (const Json& one : report["tasks"][0]["rows"]) labels.push_back(one["row"]);
  EXPECT_THAT(labels,
              ElementsAre("drawn", "shuffled", "rebuilt", "base", "LoRA, 1 set", "LoRA, 2 sets",
                          "GDT", "tuned, 2 sets", "clean, 2 sets", "apart, 2 sets",
                          "silent, 2 sets", "sdedit", "replace", "best of 2"));
  for (const Json& one : report["tasks"][0]["rows"]) {
    EXPECT_TRUE(one["measures"].contains("success")) << one["row"];
    EXPECT_EQ(one["measures"]["adherence"]["sets"], 2) << one["row"];
    EXPECT_TRUE(one.contains("frechet")) << one["row"];
  }
  EXPECT_EQ(row(report, "drawn")["feature_distance"], 0);
  EXPECT_EQ(row(report, "clean, 2 sets")["about"]["condition"], "clean");
  EXPECT_EQ(row(report, "clean, 2 sets")["about"]["given_timestep"], "zero");
  // Said where it is so alone: rows from before there was this option keep their keys.
  EXPECT_FALSE(row(report, "clean, 2 sets")["about"].contains("given_sees"));
  EXPECT_EQ(row(report, "apart, 2 sets")["about"]["given_sees"], "given");
  EXPECT_EQ(row(report, "replace")["about"]["condition"], "replace");
  EXPECT_EQ(row(report, "GDT")["about"]["method"], "gdt");
  EXPECT_EQ(row(report, "GDT")["training"]["sets"], 2);
  EXPECT_EQ(row(report, "LoRA, 1 set")["training"]["sets"], 1);
  EXPECT_EQ(row(report, "LoRA, 1 set")["training"]["steps"], 2);
  EXPECT_EQ(row(report, "best of 2")["steps"], 4);
  for (const char* label : {"clean, 2 sets", "sdedit", "replace"}) {
    for (const char* measure :
         {"identity", "identity/*", "like_given", "given_error", "given_seam"}) {
      EXPECT_TRUE(row(report, label)["measures"].contains(measure)) << label << " " << measure;
    }
  }
  EXPECT_FALSE(row(report, "base")["measures"].contains("identity"));
  EXPECT_EQ(report["contrasts"][0]["sets"], 2);

  // Nothing is made a second time: what is there says what it says.
  const size_t cells = cell_files().size();
  EXPECT_EQ(cells, 14U);
  std::map<fs::path, std::string> before;
  for (const fs::path& file : cell_files()) before[file] = read_file(file, 1 << 20);
  fs::path lost;
  for (const auto& [file, text] : before) {
    if (parse_json(text, "a cell")["row"] == "LoRA, 2 sets") lost = file;
  }
  fs::remove(lost);
  const Json again = run(all);
  EXPECT_EQ(again["tasks"][0]["rows"].size(), 14U);
  for (const auto& [file, text] : before) {
    if (file != lost) {
      EXPECT_EQ(read_file(file, 1 << 20), text) << file;
      continue;
    }
    // The same canvases out of the same training, which was not done again.
    const Json old = parse_json(text, "a cell"), now = read_json(file);
    EXPECT_EQ(now["sets"], old["sets"]);
    EXPECT_EQ(now["training"], old["training"]);
  }
  EXPECT_EQ(again["rows"][0], report["rows"][0]);
}

// Before anything is trained or drawn, once a task; the trigger is that of a row's training.
TEST_F(StudyTest, TellsOfCaptionsThatAreNotReadToTheEnd) {
  std::string text = small_plan();
  text.replace(text.find("text_length: 16"), 15, "text_length: LIMIT");
  text += "  - {name: LoRA, training: lora}\n";
  const sampling::OpenModel model = sampling::open_model(ICLORA_FIXTURES "/models/toy-dev", {});
  const int64_t tokens =
      sampling::token_counter(model)("a pair <&> [LEFT] a cat at night [RIGHT] in a room");
  const auto with = [&](int64_t limit, const std::string& training) {
    std::string out = text;
    out.replace(out.find("LIMIT"), 5, std::to_string(limit));
    const std::string plain = "{name: lora, sets: [1, 2]}";
    out.replace(out.find(plain), plain.size(), training);
    return plan(out);
  };
  class Stop final : public Progress {
   public:
    void report(const ProgressEvent&) override {}
    bool cancelled() const override { return true; }
  } stop;
  const testing_support::HeardWarnings heard;
  const auto hear = [&](const study::Plan& plan) {
    EXPECT_THROW(run(plan, stop), Cancelled);
    fs::remove_all(options_.out);
  };
  hear(with(tokens, "{name: lora, sets: [1, 2]}"));
  EXPECT_THAT(heard.all(), IsEmpty());
  hear(with(tokens, "{name: lora, set: {data.trigger: '[TOY]'}}"));
  EXPECT_THAT(heard.all(), ElementsAre(HasSubstr("held': 2 of 2 captions are not read to the end: "
                                                 "that of '001' has ")));
  hear(with(tokens - 1, "{name: lora, sets: [1, 2]}"));
  ASSERT_EQ(heard.all().size(), 2U);
  EXPECT_THAT(heard.all()[1], HasSubstr(fmt::format("or give draw.text_length {}.", tokens)));
}

TEST_F(StudyTest, ARenamedRowIsTheSameRowAndAChangedOneIsNot) {
  const std::string small = small_plan();
  run(plan(small));
  const size_t cells = cell_files().size();
  std::string renamed = small;
  renamed.replace(renamed.rfind("base"), 4, "bare");
  const Json report = run(plan(renamed));
  EXPECT_EQ(cell_files().size(), cells);
  EXPECT_EQ(report["tasks"][0]["rows"][3]["row"], "bare");
  std::string longer = small;
  longer.replace(longer.find("draw: {steps: 2"), 15, "draw: {steps: 3");
  run(plan(longer));
  EXPECT_EQ(cell_files().size(), cells + 1);
  // The third set is not one of the two that count.
  write_pairs(scratch_ / "more", 4);
  fs::rename(scratch_ / "more/sets/004/1.png", scratch_ / "held/sets/003/1.png");
  run(plan(small));
  EXPECT_EQ(cell_files().size(), cells + 1);
  // Another held-out set: everything is measured anew.
  write_pairs(scratch_ / "other", 3);
  fs::rename(scratch_ / "other/sets/003/1.png", scratch_ / "held/sets/001/1.png");
  run(plan(small));
  EXPECT_EQ(cell_files().size(), 2 * cells + 1);
}

TEST_F(StudyTest, ADamagedCellIsMadeAnew) {
  const std::string small = small_plan();
  const Json report = run(plan(small));
  for (const fs::path& file : cell_files()) std::ofstream(file) << "{\"version\": 1";
  EXPECT_EQ(run(plan(small))["rows"][0], report["rows"][0]);
}

TEST_F(StudyTest, RowsDifferInWhatTheyDraw) {
  const Json report = run(plan());
  const auto picture = [&](const std::string& label) {
    const Json one = row(report, label);
    const fs::path folder = options_.out / "cells" / one["cell"].get<std::string>();
    return read_file(folder / "0001.png", 1 << 20);
  };
  EXPECT_NE(picture("LoRA, 2 sets"), picture("tuned, 2 sets"));
  EXPECT_NE(picture("clean, 2 sets"), picture("silent, 2 sets"));
  EXPECT_NE(picture("clean, 2 sets"), picture("apart, 2 sets"));
  EXPECT_NE(picture("replace"), picture("base"));
}

// An adapter that is there draws as the training that made it, of which its file tells.
TEST_F(StudyTest, AnAdapterThatIsThereIsARowOfItsOwn) {
  const Json trained = row(run(plan()), "apart, 2 sets");
  for (const auto& entry : fs::directory_iterator(options_.out / "trainings")) {
    const fs::path file = entry.path() / "lora/apart.safetensors";
    if (fs::exists(file)) fs::copy_file(file, scratch_ / "pairs.safetensors");
  }
  const std::string adapter = "adapter: \"" + (scratch_ / "${TASK}.safetensors").native() + "\"";
  std::string text = small_plan();
  text.replace(text.find("{name: base}"), 12, "{name: there, " + adapter + ", given: [1]}");
  EXPECT_THAT(left(plan(text)), ElementsAre("draw there"));
  const Json there = row(run(plan(text)), "there");
  EXPECT_EQ(there["measures"], trained["measures"]);
  EXPECT_EQ(there["frechet"], trained["frechet"]);
  EXPECT_EQ(there["about"]["condition"], "clean");
  EXPECT_EQ(there["about"]["given_timestep"], "zero");
  EXPECT_EQ(there["about"]["given_sees"], "given");
  EXPECT_FALSE(there.contains("training"));
  // Another file under its name is another row.
  fs::copy_file(ICLORA_FIXTURES "/models/lora-a.safetensors", scratch_ / "pairs.safetensors",
                fs::copy_options::overwrite_existing);
  EXPECT_THAT(left(plan(text)), ElementsAre("draw there"));
  const Json other = row(run(plan(text)), "there");
  EXPECT_EQ(other["about"]["condition"], "replace");
  EXPECT_NE(other["cell"], there["cell"]);
}

TEST_F(StudyTest, OfAWorldWithoutLabelsPixelsAreMeasured) {
  fs::remove(scratch_ / "held/labels.jsonl");
  const Json report = run(plan());
  EXPECT_EQ(report["missing"], 0);
  EXPECT_FALSE(row(report, "base")["measures"].contains("success"));
  EXPECT_TRUE(row(report, "base")["measures"].contains("like_real"));
  EXPECT_TRUE(row(report, "replace")["measures"].contains("like_given"));
  EXPECT_FALSE(row(report, "base").contains("frechet"));
  EXPECT_FALSE(report["contrasts"][0].contains("value"));
}

TEST_F(StudyTest, EverythingIsRefusedBeforeAnythingIsMade) {
  const auto refusal = [&](const std::string& from, const std::string& to) {
    std::string text = kStudyPlan;
    text.replace(text.find(from), from.size(), to);
    try {
      run(plan(text));
    } catch (const Error& error) {
      EXPECT_EQ(error.exit_code(), 2);
      EXPECT_FALSE(fs::exists(options_.out));
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_THAT(refusal("sets: [1, 2]", "sets: [1, 2, 3]"), HasSubstr("holds 2 sets, but the plan"));
  EXPECT_THAT(refusal("given: [2], condition: sdedit", "given: [3], condition: sdedit"),
              HasSubstr("which has 2"));
  EXPECT_THAT(refusal("given: [2], condition: sdedit", "given: [1, 2], condition: sdedit"),
              HasSubstr("leave one to be drawn"));
  EXPECT_THAT(refusal(", train: TRAIN", ""), HasSubstr("lacks 'train'"));
  EXPECT_THAT(refusal("set: {method: gdt}", "set: {methd: gdt}"), HasSubstr("did you mean"));
  EXPECT_THAT(refusal("{name: base}", "{name: base, adapter: nowhere.safetensors}"),
              HasSubstr("nowhere.safetensors"));
  EXPECT_THAT(refusal("{name: base}",
                      "{name: base, adapter: " ICLORA_FIXTURES "/eval/classifier.safetensors}"),
              HasSubstr("classifier.safetensors"));
}

TEST_F(StudyTest, TellsWhatThereIsToDo) {
  const Plan all = plan();
  // Three real rows, eleven of the plan, six trainings.
  EXPECT_EQ(left(all).size(), 20U);
  EXPECT_FALSE(fs::exists(options_.out));
  options_.only = {"nothing"};
  run(all);
  EXPECT_FALSE(fs::exists(options_.out / "cells"));
  options_.only = {"pairs"};
  run(all);
  EXPECT_THAT(left(all), IsEmpty());
  // A training whose rows are all drawn is not made again.
  fs::remove_all(options_.out / "trainings");
  EXPECT_THAT(left(all), IsEmpty());
}

TEST_F(StudyTest, OneSetAloneIsNotShuffled) {
  std::string text = small_plan();
  text.replace(text.find("count: 2"), 8, "count: 1");
  EXPECT_THAT(left(plan(text)), ElementsAre("draw drawn", "draw rebuilt", "draw base"));
  EXPECT_EQ(run(plan(text))["missing"], 0);
  EXPECT_THAT(left(plan(text)), IsEmpty());
}

}  // namespace
}  // namespace iclora::study
