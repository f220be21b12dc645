#include <gtest/gtest.h>

#include "cli/program.h"
#include "core/json.h"
#include "eval/drawn_sets.h"
#include "image/read.h"

namespace iclora {
namespace {

using testing_support::expect_refused;
using testing_support::run_program;
using testing_support::ScratchFolder;
using testing_support::text_of_file;

constexpr const char* kModel = ICLORA_FIXTURES "/models/toy-dev";
constexpr const char* kLora = ICLORA_FIXTURES "/models/lora-a.safetensors";
constexpr const char* kClassifier = ICLORA_FIXTURES "/eval/classifier.safetensors";

std::vector<std::string> line(const ScratchFolder& scratch, std::vector<std::string> more) {
  std::ofstream(scratch / "c.jsonl")
      << R"({"id": "x", "caption": "a cat", "grid": "1x1", "panels": [{"subject": "cat"}]})";
  std::vector<std::string> out = {"eval",
                                  "--model",
                                  kModel,
                                  "--captions",
                                  (scratch / "c.jsonl").native(),
                                  "--classifier",
                                  kClassifier,
                                  "--panel",
                                  "32x32",
                                  "--steps",
                                  "1",
                                  "--text-length",
                                  "16"};
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

TEST(Eval, WritesReportSheetAndPictures) {
  const ScratchFolder scratch;
  const auto run =
      run_program(line(scratch, {"--out", (scratch / "out").native(), "--pictures", "--json"}));
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const Json answer = parse_json(run.out, "eval");
  const Json report = parse_json(text_of_file(scratch / "out" / "eval.json"), "eval.json");
  EXPECT_EQ(answer["grids"], report["grids"]);
  EXPECT_EQ(report["results"].size(), 1u);
  EXPECT_FALSE(answer.contains("results"));
  EXPECT_EQ(image::read_image(answer["sheet"].get<std::string>()).width, 1600);
  EXPECT_EQ(image::read_image(scratch / "out" / "canvas-0001.png").width, 32);
}

TEST(Eval, SaysSharesForPeople) {
  const ScratchFolder scratch;
  const auto run = run_program(line(scratch, {"--out", (scratch / "out").native()}));
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_NE(run.out.find("1x1: 1 canvases, 1 panels"), std::string::npos) << run.out;
  EXPECT_NE(run.out.find("subject"), std::string::npos);
}

TEST(Eval, RefusesWrongLines) {
  const ScratchFolder scratch;
  expect_refused(run_program({"eval", "--model", "m"}), 2, "--captions");
  expect_refused(run_program(line(scratch, {})), 2, "--out");
  expect_refused(run_program(line(scratch, {"--out", (scratch / "o").native(), "--grid", "4"})), 2,
                 "grid");
  expect_refused(run_program(line(scratch, {"--out", (scratch / "o").native(), "--grid", "2x2"})),
                 2, "no caption of the grid 2x2");
  EXPECT_FALSE(std::filesystem::exists(scratch / "o"));
}

std::vector<std::string> sets_line(const ScratchFolder& scratch, std::vector<std::string> more) {
  testing_support::write_pairs(scratch / "held out", 2);
  testing_support::write_pair_labels(scratch / "held out", 2);
  std::vector<std::string> out = {"eval",          "--sets",    (scratch / "held out").native(),
                                  "--classifier",  kClassifier, "--panel",
                                  "32x32",         "--steps",   "1",
                                  "--text-length", "16"};
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

TEST(EvalSets, ComparesBaseAndAdapters) {
  const ScratchFolder scratch;
  const std::string out = (scratch / "out").native();
  const auto run =
      run_program(sets_line(scratch, {"--model", kModel, "--lora", kLora + std::string(":0.5"),
                                      "--lora", kLora, "--out", out, "--json", "--pictures"}));
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const Json answer = parse_json(run.out, "eval");
  const Json report = parse_json(text_of_file(scratch / "out" / "eval.json"), "eval.json");
  EXPECT_EQ(answer["rows"], report["rows"]);
  ASSERT_EQ(report["rows"].size(), 6u);
  EXPECT_EQ(report["rows"][4]["name"], "lora-a:0.5");
  EXPECT_EQ(report["rows"][5]["name"], "lora-a");
  EXPECT_EQ(report["differences"][0]["row"], "lora-a:0.5");
  EXPECT_EQ(report["results"].size(), 2u);
  EXPECT_EQ(image::read_image(answer["sheet"].get<std::string>()).width, 1600);
  EXPECT_EQ(image::read_image(scratch / "out" / "row-5" / "set-0002.png").width, 64);
  EXPECT_NE(text_of_file(answer["page"].get<std::string>()).find("data:image/png"),
            std::string::npos);
}

TEST(EvalSets, SaysFiguresForPeople) {
  const ScratchFolder scratch;
  const auto run = run_program(sets_line(scratch, {"--out", (scratch / "out").native()}));
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_NE(run.out.find("\ndrawn "), std::string::npos) << run.out;
  EXPECT_NE(run.out.find("consistent %"), std::string::npos) << run.out;
  EXPECT_NE(run.out.find("eval.html"), std::string::npos);
}

TEST(EvalSets, RefusesWrongLines) {
  const ScratchFolder scratch;
  const std::string out = (scratch / "o").native();
  expect_refused(run_program({"eval", "--sets", (scratch / "none").native(), "--out", out}), 2,
                 "none");
  expect_refused(run_program(sets_line(scratch, {"--captions", "c.jsonl", "--out", out})), 2,
                 "give one of them");
  expect_refused(run_program(sets_line(scratch, {"--drawings", "d", "--out", out})), 2,
                 "--drawings belongs to --captions");
  expect_refused(run_program(line(scratch, {"--repeat", "2", "--out", out})), 2,
                 "--repeat belongs to --sets");
  expect_refused(run_program(sets_line(scratch, {"--lora", "gone.safetensors", "--out", out})), 2,
                 "gone.safetensors");
  expect_refused(run_program(sets_line(scratch, {"--lora", kLora, "--out", out})), 2, "--model");
  EXPECT_FALSE(std::filesystem::exists(scratch / "o"));
}

}  // namespace
}  // namespace iclora
