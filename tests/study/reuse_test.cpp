// What is used again, and what is made anew.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <utility>

#include "core/error.h"
#include "study/training.h"
#include "study_fixture.h"

namespace iclora::study {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing_support::StudyTest;
using testing_support::write_pairs;

/// The small plan with another row.
std::string with_row(const std::string& small, const std::string& row) {
  return small.substr(0, small.find("  - {name: base}")) + row + "\n";
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

constexpr const char* kLora = "  - {name: LoRA, training: lora, sets: [2]}";

class Reuse : public StudyTest {
 protected:
  std::string training_key(const Plan& plan) const {
    const sampling::OpenModel model = sampling::open_model(plan.model, {});
    const std::vector<PlannedRow> rows = rows_of(plan, plan.tasks[0]);
    SetsRead sets;
    return plan_training(plan, plan.tasks[0], rows[0], model, options_, sets).key;
  }
  std::vector<fs::path> trainings() const {
    std::vector<fs::path> out;
    for (const auto& entry : fs::directory_iterator(options_.out / "trainings")) {
      out.push_back(entry.path());
    }
    return out;
  }
  void forget_cells() const { fs::remove_all(options_.out / "cells"); }
};

/// Does something once, at the first report of a phase.
class AtPhase final : public Progress {
 public:
  AtPhase(std::string phase, std::function<void()> what)
      : phase_(std::move(phase)), what_(std::move(what)) {}
  void report(const ProgressEvent& event) override {
    if (event.phase != phase_ || event.step < 1 || !what_) return;
    const auto what = std::exchange(what_, nullptr);
    what();
  }
  bool cancelled() const override { return cancelled_; }
  void cancel() { cancelled_ = true; }

 private:
  std::string phase_;
  std::function<void()> what_;
  bool cancelled_ = false;
};

TEST_F(Reuse, TasksOfTheSameSetsShareTheirCellsUnderTheirOwnNames) {
  const std::string twins =
      replaced(small_plan(), "train: TRAIN}\n",
               "train: TRAIN}\n  - {name: twins, held_out: HELD2, train: TRAIN2}\n") +
      "contrasts:\n  - {name: same, a: base, b: drawn, measure: like_real}\n";
  std::string text = replaced(twins, "HELD2", "\"" + (scratch_ / "held").native() + "\"");
  text = replaced(text, "TRAIN2", "\"" + (scratch_ / "train").native() + "\"");
  const Json report = run(plan(text));
  EXPECT_EQ(report["rows"][0]["tasks"], Json({"pairs", "twins"}));
  const Json& contrast = report["contrasts"][0];
  ASSERT_EQ(contrast["by_task"].size(), 2U);
  EXPECT_EQ(contrast["by_task"][1]["task"], "twins");
  EXPECT_EQ(contrast["sets"], 4);
  EXPECT_EQ(cell_files().size(), 4U);
}

TEST_F(Reuse, AReportHasWhatAnotherRunMadeMeanwhile) {
  write_pairs(scratch_ / "other", 2);
  const Plan both = plan(replaced(
      small_plan(), "train: TRAIN}\n",
      "train: TRAIN}\n  - {name: other, held_out: \"" + (scratch_ / "other").native() + "\"}\n"));
  AtPhase progress("decoding", [&] {
    StudyOptions theirs = options_;
    theirs.only = {"other"};
    NoProgress none;
    run_study(
        both, theirs, [](const Study&) {}, none);
  });
  options_.only = {"pairs"};
  EXPECT_EQ(run(both, progress)["missing"], 0);
}

// Within a training and between two rows.
TEST_F(Reuse, AStopReportsWhatThereIs) {
  const std::string text = with_row(small_plan(), std::string("  - {name: base}\n") + kLora);
  Json report;
  const auto run_until = [&](const std::string& phase) {
    AtPhase stop(phase, [&] { stop.cancel(); });
    const auto tell = [&](const Study& study) { report = report_json(study); };
    EXPECT_ANY_THROW(run_study(plan(text), options_, tell, stop)) << phase;
  };
  run_until("training");
  EXPECT_EQ(report["tasks"][0]["missing"], Json({"LoRA, 2 sets"}));
  EXPECT_TRUE(row(report, "base")["measures"].contains("success"));
  options_.out = scratch_ / "other";
  run_until("decoding");
  EXPECT_EQ(report["tasks"][0]["missing"], Json({"base", "LoRA, 2 sets"}));
}

TEST_F(Reuse, WhatScoresCandidatesIsPartOfTheirRow) {
  fs::remove(scratch_ / "held/labels.jsonl");
  fs::create_directories(scratch_ / "eyes");
  const fs::path classifier = scratch_ / "eyes/classifier.safetensors";
  fs::copy_file(ICLORA_FIXTURES "/eval/classifier.safetensors", classifier);
  const std::string text =
      replaced(with_row(small_plan(),
                        "  - {name: base}\n  - {name: read, candidates: {count: 2, steps: 1}}\n"
                        "  - {name: pixels, candidates: {count: 2, steps: 1, score: pixels}}"),
               "CLASSIFIER", "\"" + classifier.native() + "\"");
  run(plan(text));
  EXPECT_THAT(left(plan(text)), IsEmpty());
  std::ofstream(scratch_ / "eyes/words.json")
      << R"({"version": 1, "words": {"subject": {"cat": ["cat"]}}})";
  EXPECT_THAT(left(plan(text)), ElementsAre("draw read"));
}

TEST_F(Reuse, CandidatesThatCannotBeScoredAreRefusedBeforeAnythingIsMade) {
  for (const char* set : {"001", "002", "003"}) {
    std::ofstream(scratch_ / "held/sets" / set / "caption.json")
        << R"({"overall": "qwerty", "panels": ["asdf", "zxcv"]})";
  }
  const std::string text =
      with_row(small_plan(), std::string(kLora) +
                                 "\n  - {name: read, candidates: {count: 2, steps: 1, score: "
                                 "classifier}}");
  try {
    run(plan(text));
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("knows no word"));
  }
  EXPECT_FALSE(fs::exists(options_.out));
}

TEST_F(Reuse, ATrainingIsKnownByWhatItsResultDependsOn) {
  const std::string text = with_row(small_plan(), kLora);
  const std::string key = training_key(plan(text));
  // Places and threads change nothing.
  fs::create_directory_symlink(ICLORA_FIXTURES "/models/toy-dev", scratch_ / "same");
  EXPECT_EQ(training_key(plan(replaced(text, "MODEL", "\"" + (scratch_ / "same").native() + "\""))),
            key);
  fs::rename(scratch_ / "train", scratch_ / "moved");
  EXPECT_EQ(
      training_key(plan(replaced(text, "TRAIN}", "\"" + (scratch_ / "moved").native() + "\"}"))),
      key);
  fs::rename(scratch_ / "moved", scratch_ / "train");
  EXPECT_EQ(training_key(plan(replaced(text, "train: {steps: 2", "train: {threads: 1, steps: 2"))),
            key);
  // The precision of the file does, and so does a picture.
  EXPECT_NE(training_key(plan(replaced(text, "save: {every: 1", "save: {dtype: fp32, every: 1"))),
            key);
  fs::rename(scratch_ / "held/sets/003/1.png", scratch_ / "train/sets/002/1.png");
  EXPECT_NE(training_key(plan(text)), key);
}

TEST_F(Reuse, AStoppedTrainingGoesOnWithOtherThreadsAndPlaces) {
  const std::string text = with_row(small_plan(), kLora);
  AtPhase stop("training", [&] { stop.cancel(); });
  try {
    run(plan(text), stop);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), 75);
    EXPECT_THAT(error.what(), HasSubstr("the same command goes on"));
  }
  ASSERT_EQ(trainings().size(), 1U);
  EXPECT_FALSE(fs::exists(trainings()[0] / "done.json"));
  fs::rename(scratch_ / "train", scratch_ / "moved");
  std::string moved = replaced(text, "TRAIN}", "\"" + (scratch_ / "moved").native() + "\"}");
  moved = replaced(moved, "train: {steps: 2", "train: {threads: 1, steps: 2");
  EXPECT_EQ(run(plan(moved))["missing"], 0);
  EXPECT_EQ(trainings().size(), 1U);
  EXPECT_FALSE(fs::exists(trainings()[0] / "checkpoints"));
}

TEST_F(Reuse, ATrainingWhoseMarkIsDamagedIsMadeAnew) {
  const std::string text = with_row(small_plan(), kLora);
  const Json report = run(plan(text));
  std::ofstream(trainings()[0] / "done.json") << "{\"key\":";
  forget_cells();
  EXPECT_THAT(left(plan(text)), Contains("train lora, 2 sets"));
  EXPECT_EQ(run(plan(text))["rows"][3]["measures"], report["rows"][3]["measures"]);
}

TEST_F(Reuse, CheckpointsThatAStopLeftBehindAreRemoved) {
  const std::string text = with_row(small_plan(), kLora);
  run(plan(text));
  fs::create_directories(trainings()[0] / "checkpoints/000001");
  forget_cells();
  run(plan(text));
  EXPECT_FALSE(fs::exists(trainings()[0] / "checkpoints"));
}

TEST(SetsHash, TellsHowPanelsAreLaidOut) {
  dataset::Set set;
  set.id = "a";
  set.panels.resize(2);
  std::vector<std::string> hashes = {sets_hash({set})};
  const auto add = [&](const auto& change) {
    dataset::Set other = set;
    change(other);
    const std::string hash = sets_hash({other});
    EXPECT_THAT(hashes, testing::Not(Contains(hash))) << hashes.size();
    hashes.push_back(hash);
  };
  add([](auto& one) { one.panels[0].centre = dataset::Centre{0.25, 0.5}; });
  add([](auto& one) { one.panels[1].centre = dataset::Centre{0.25, 0.5}; });
  add([](auto& one) { one.strip = panels::Strip::row; });
  add([](auto& one) { one.strip = panels::Strip::column; });
  add([](auto& one) { one.grid = panels::Grid{2, 1}; });
  add([](auto& one) { one.boxes = panels::grid_layout({1, 2}, 32, 32); });
  add([](auto& one) { one.dialect = captions::dialect_from_name("scene"); });
  add([](auto& one) { one.caption.overall = "b"; });
}

}  // namespace
}  // namespace iclora::study
