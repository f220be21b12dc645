// iclora eval --plan: from the command line to the files.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/program.h"
#include "core/json.h"
#include "eval/drawn_sets.h"

namespace iclora {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing_support::expect_refused;
using testing_support::ProgramRun;
using testing_support::run_program;
using testing_support::ScratchFolder;
using testing_support::text_of_file;

constexpr const char* kModel = ICLORA_FIXTURES "/models/toy-dev";
constexpr const char* kClassifier = ICLORA_FIXTURES "/eval/classifier.safetensors";

class EvalPlan : public testing::Test {
 protected:
  EvalPlan() {
    testing_support::write_pairs(scratch_ / "held", 2);
    testing_support::write_pair_labels(scratch_ / "held", 2);
    testing_support::write_pairs(scratch_ / "train", 2);
    std::ofstream(scratch_ / "plan.yaml")
        << "recipe: {data: {panel: 32x32}, train: {steps: 2, batch: 1, dtype: fp32}, lora: {rank: "
           "2, "
           "alpha: 2}}\n"
           "draw: {steps: 1, dtype: fp32, text_length: 16, panel: 32x32}\n"
           "tasks:\n  - {name: pairs, held_out: \"${CACHE}/../held\", train: \""
        << (scratch_ / "train").native()
        << "\"}\n"
           "trainings: [{name: lora}]\n"
           "rows:\n  - {name: base}\n  - {name: LoRA, training: lora}\n"
           "contrasts: [{name: learns, a: LoRA, b: base, measure: success, at_least: -1}]\n";
  }
  ProgramRun run(const std::vector<std::string>& more) const {
    std::vector<std::string> line = {"eval",      "--plan", (scratch_ / "plan.yaml").native(),
                                     "--model",   kModel,   "--classifier",
                                     kClassifier, "--out",  (scratch_ / "out").native()};
    line.insert(line.end(), more.begin(), more.end());
    // ${CACHE} is XDG_CACHE_HOME/iclora.
    return run_program(line, {"XDG_CACHE_HOME=" + (scratch_ / "home").native()});
  }
  ScratchFolder scratch_;
};

TEST_F(EvalPlan, ListsWhatThereIsToDoThenDoesIt) {
  fs::create_directories(scratch_ / "home/iclora");
  fs::create_directory_symlink(scratch_ / "held", scratch_ / "home/held");
  const ProgramRun list = run({"--dry-run"});
  ASSERT_EQ(list.exit_code, 0) << list.err;
  EXPECT_THAT(list.out, HasSubstr("to do pairs: train lora\n"));
  EXPECT_THAT(list.out, HasSubstr("6 of 6 to do\n"));
  EXPECT_FALSE(fs::exists(scratch_ / "out"));

  const ProgramRun made = run({"--threads", "1"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(made.out, HasSubstr("\nLoRA "));
  EXPECT_THAT(made.out, HasSubstr("learns: "));
  EXPECT_THAT(made.out, HasSubstr("at least -1: yes"));
  const Json report = Json::parse(text_of_file(scratch_ / "out/study.json"));
  EXPECT_EQ(report["missing"], 0);
  EXPECT_THAT(text_of_file(scratch_ / "out/study.html"), HasSubstr("data:image/png;base64,"));

  EXPECT_THAT(run({"--dry-run"}).out, HasSubstr("0 of 6 to do\n"));
  const ProgramRun again = run({"--json"});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(Json::parse(again.out)["rows"], report["rows"]);
}

TEST_F(EvalPlan, WrongLinesAreRefusedAndNothingIsWritten) {
  fs::create_directories(scratch_ / "home/iclora");
  fs::create_directory_symlink(scratch_ / "held", scratch_ / "home/held");
  const auto refused = [&](const std::vector<std::string>& more, const std::string& part) {
    expect_refused(run(more), 2, part);
    EXPECT_FALSE(fs::exists(scratch_ / "out"));
  };
  refused({"--steps", "3"}, "--steps is the plan's to say");
  refused({"--sets", "x"}, "--plan names its own sets");
  refused({"--only", "pears"}, "the plan's tasks are pairs");
  refused({"--only", "pairs", "--only", "pears"}, "the plan's tasks are pairs");
  expect_refused(run_program({"eval", "--sets", "x", "--dry-run", "--out", "o"}), 2,
                 "--dry-run belongs to --plan");
  fs::remove(scratch_ / "home/held");
  refused({}, "held");
}

}  // namespace
}  // namespace iclora
