#include <gtest/gtest.h>

#include "cli/program.h"
#include "core/json.h"
#include "image/read.h"

namespace iclora {
namespace {

using testing_support::expect_refused;
using testing_support::run_program;
using testing_support::ScratchFolder;
using testing_support::text_of_file;

std::vector<std::string> line(const ScratchFolder& scratch, std::vector<std::string> more) {
  std::ofstream(scratch / "c.jsonl")
      << R"({"id": "x", "caption": "a cat", "grid": "1x1", "panels": [{"subject": "cat"}]})";
  std::vector<std::string> out = {"eval",
                                  "--model",
                                  ICLORA_FIXTURES "/models/toy-dev",
                                  "--captions",
                                  (scratch / "c.jsonl").native(),
                                  "--classifier",
                                  ICLORA_FIXTURES "/eval/classifier.safetensors",
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

}  // namespace
}  // namespace iclora
