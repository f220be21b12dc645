#include "eval/run_scores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "core/error.h"
#include "dataset/read_sets.h"
#include "drawn_sets.h"
#include "heard_warnings.h"
#include "scratch.h"

namespace iclora::eval {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing_support::ScratchFolder;

const fs::path kModels = ICLORA_FIXTURES "/models";

/// A row whose sets have these values of "success", and lie this far from training sets.
Row row_of(const std::string& name, const std::vector<double>& success, double distance,
           const std::string& kind = "lora") {
  Row row;
  row.name = name;
  row.kind = kind;
  for (const double value : success) {
    row.measures.push_back({{"success", {value, 1}}, {"train_distance", {distance, 1}}});
  }
  return row;
}

std::vector<double> share(int right, int of) {
  std::vector<double> out(static_cast<size_t>(of), 0);
  std::fill_n(out.begin(), right, 1);
  return out;
}

TEST(JudgeRun, NamesTheBestAndIsQuietWhereTheLastIsAsGood) {
  const RunVerdict verdict =
      judge_run({row_of("drawn", share(20, 20), 0.2, "drawn"),
                 row_of("base", share(0, 20), 0.3, "base"), row_of("a", share(5, 20), 0.3),
                 row_of("b", share(16, 20), 0.3), row_of("c", share(15, 20), 0.3)},
                "success");
  EXPECT_EQ(verdict.best, 3u);
  // One set of twenty: well inside the interval.
  EXPECT_THAT(verdict.warnings, IsEmpty());
}

TEST(JudgeRun, WarnsWhereAnEarlierOneIsBetterThanTheLast) {
  const RunVerdict verdict =
      judge_run({row_of("a", share(18, 20), 0.3), row_of("b", share(4, 20), 0.3)}, "success");
  EXPECT_EQ(verdict.best, 0u);
  EXPECT_THAT(verdict.warnings, ElementsAre(HasSubstr("went on too long: 'a' is better")));
}

TEST(JudgeRun, WarnsWhereTheLastRepeatsItsTrainingSets) {
  const RunVerdict verdict =
      judge_run({row_of("drawn", share(20, 20), 0.2, "drawn"), row_of("a", share(4, 20), 0.3),
                 row_of("b", share(18, 20), 0.05)},
                "success");
  EXPECT_EQ(verdict.best, 2u);
  EXPECT_THAT(verdict.warnings, ElementsAre(HasSubstr("repeats its training sets")));
}

TEST(JudgeRun, SaysThatNothingBeatsTheBase) {
  const RunVerdict verdict = judge_run(
      {row_of("base", share(5, 20), 0.3, "base"), row_of("a", share(6, 20), 0.3)}, "success");
  EXPECT_THAT(verdict.warnings, ElementsAre(HasSubstr("Not even the best, 'a'")));
}

TEST(JudgeRun, SettlesEqualsByAdherence) {
  Row one = row_of("a", share(0, 20), 0.3), other = row_of("b", share(0, 20), 0.3);
  for (Measures& set : one.measures) set["adherence"].add(1, 3);
  for (Measures& set : other.measures) set["adherence"].add(2, 3);
  EXPECT_EQ(judge_run({one, other, one}, "success").best, 1u);
}

TEST(JudgeRun, TakesTheFirstOfEquals) {
  EXPECT_EQ(judge_run({row_of("a", share(9, 20), 1), row_of("b", share(9, 20), 1)}, "success").best,
            0u);
}

/// A run's folder with adapters after 100, 200 and 300 steps; the last is also the result.
fs::path write_run(const ScratchFolder& scratch, const std::string& validation) {
  fs::path run = scratch / "run";
  fs::create_directories(run / "lora");
  fs::copy_file(kModels / "lora-a.safetensors", run / "lora/pairs-000100.safetensors");
  fs::copy_file(kModels / "lora-b.safetensors", run / "lora/pairs-000200.safetensors");
  fs::copy_file(kModels / "lora-a.safetensors", run / "lora/pairs-000300.safetensors");
  fs::copy_file(kModels / "lora-a.safetensors", run / "lora/pairs.safetensors");
  fs::copy_file(kModels / "lora-b.safetensors", run / "lora/other-000200.safetensors");
  testing_support::write_pairs(scratch / "data", 4);
  testing_support::write_pair_labels(scratch / "data", 4);
  std::ofstream(run / "config.yaml") << "name: pairs\nmodel: " << (kModels / "toy-dev").native()
                                     << "\ndata: {path: " << (scratch / "data").native()
                                     << ", panel: 32x32, validation: " << validation << "}\n";
  return run;
}

RunRequest request_for(const fs::path& run) {
  RunRequest request;
  request.run = run;
  request.classifier = ICLORA_FIXTURES "/eval/classifier.safetensors";
  request.steps = 1;
  request.text_length = 16;
  request.dtype = "fp32";
  return request;
}

TEST(SavedAdapters, StandInTheOrderOfTheirStepsWithoutDoubles) {
  const ScratchFolder scratch;
  const fs::path run = write_run(scratch, "2");
  const auto found = saved_adapters(run, "pairs");
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].step, 100);
  EXPECT_EQ(found[2].step, 300);
  fs::remove(run / "lora/pairs-000300.safetensors");
  const auto with_result = saved_adapters(run, "pairs");
  ASSERT_EQ(with_result.size(), 3u);
  EXPECT_EQ(with_result[2].file.filename(), "pairs.safetensors");
  EXPECT_THROW(saved_adapters(run, "none"), Error);
}

TEST(ScoreRun, TakesTheSetsThatTheTrainingHeldOut) {
  const ScratchFolder scratch;
  NoProgress progress;
  const testing_support::HeardWarnings heard;
  const Comparison result = score_run(request_for(write_run(scratch, "2")), progress);
  // Of their captions 16 tokens are read; whatever the adapters, that is told once.
  EXPECT_THAT(
      heard.all(),
      testing::Contains(HasSubstr("data': 2 of 2 captions are not read to the end")).Times(1));
  EXPECT_EQ(result.report["count"], 2);
  const auto held_out = dataset::held_out_sets(dataset::read_sets((scratch / "data").native()), 2);
  const auto all = dataset::read_sets((scratch / "data").native());
  EXPECT_EQ(result.sets.sets[0].set.id, all[held_out[0]].id);
  EXPECT_EQ(result.sets.sets[1].set.id, all[held_out[1]].id);
  const Json& run = result.report["run"];
  EXPECT_EQ(run["name"], "pairs");
  EXPECT_EQ(run["score"], "success");
  EXPECT_GE(run["best_step"], 100);
  EXPECT_EQ(result.report["rows"].back()["step"], 300);
  // Real held-out sets are no training sets.
  EXPECT_GT(result.report["rows"][0]["measures"]["train_distance"]["value"].get<double>(), 0);
}

TEST(ScoreRun, AsksForHeldOutSetsWhereAllWereTrainedOn) {
  const ScratchFolder scratch;
  NoProgress progress;
  RunRequest request = request_for(write_run(scratch, "0"));
  try {
    score_run(request, progress);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("--sets"));
  }
  testing_support::write_pairs(scratch / "held out", 2);
  request.sets = scratch / "held out";
  const Comparison result = score_run(request, progress);
  EXPECT_EQ(result.report["run"]["score"], "like_real");
  // The very pictures of two training sets.
  EXPECT_EQ(result.report["rows"][0]["measures"]["train_distance"]["value"], 0);
  request.run = scratch / "data";
  EXPECT_THROW(score_run(request, progress), Error);
}

}  // namespace
}  // namespace iclora::eval
