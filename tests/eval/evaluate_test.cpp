#include "eval/evaluate.h"

#include <gtest/gtest.h>

#include <fstream>

#include "core/error.h"
#include "scratch.h"

namespace iclora::eval {
namespace {

using testing_support::ScratchFolder;

EvalRequest request_in(const ScratchFolder& scratch) {
  std::ofstream(scratch / "c.jsonl")
      << R"({"id": "one", "caption": "a cat", "grid": "1x1", "panels": [{"subject": "cat"}]})"
      << "\n"
      << R"({"id": "two", "caption": "[LEFT] a cat [RIGHT] a dog", "grid": "1x2", )"
      << R"("panels": [{"subject": "cat"}, {"subject": "dog", "style": "ink"}]})"
      << "\n"
      << R"({"id": "three", "caption": "[LEFT] a bee [RIGHT] a dog", "grid": "1x2", )"
      << R"("panels": [{"subject": "bee"}, {"subject": "dog", "style": "flat"}]})"
      << "\n";
  EvalRequest request;
  request.model = ICLORA_FIXTURES "/models/toy-dev";
  request.captions = scratch / "c.jsonl";
  request.classifier = ICLORA_FIXTURES "/eval/classifier.safetensors";
  request.drawings = ICLORA_FIXTURES "/eval/drawings.safetensors";
  request.panel = sampling::Size{32, 32};
  request.steps = 1;
  request.text_length = 16;
  request.dtype = "fp32";
  return request;
}

TEST(Evaluate, ReportsEveryCaptionAndSumsThemUp) {
  const ScratchFolder scratch;
  NoProgress progress;
  const EvalResult result = evaluate(request_in(scratch), progress);
  const Json& report = result.report;
  ASSERT_EQ(result.pictures.size(), 3u);
  EXPECT_EQ(result.pictures[1].width, 64);
  EXPECT_EQ(report["grids"]["1x1"]["panels"], 1);
  EXPECT_EQ(report["grids"]["1x2"]["panels"], 4);
  EXPECT_EQ(report["grids"]["1x2"]["columns"]["style"]["of"], 2);
  EXPECT_FALSE(report["grids"]["1x1"]["columns"].contains("style"));
  EXPECT_EQ(report["results"][2]["id"], "three");
  EXPECT_EQ(report["results"][2]["seed"], 2);
  EXPECT_EQ(report["results"][2]["panels"][0]["expected"]["subject"], "bee");
  EXPECT_EQ(report["distance"]["panels"], 5);
  EXPECT_GT(report["distance"]["frechet"].get<double>(), 0);
  // The sums are those of the single results.
  int64_t right = 0;
  for (const Json& one : report["results"]) {
    if (one["grid"] != "1x2") continue;
    for (const Json& panel : one["panels"]) {
      right += panel["read"]["subject"]["class"] == panel["expected"]["subject"] ? 1 : 0;
    }
  }
  EXPECT_EQ(report["grids"]["1x2"]["columns"]["subject"]["right"], right);
  EXPECT_EQ(result.sheet.width, 1600);
}

TEST(Evaluate, TakesTheCaptionsAskedForWithTheirOwnSeeds) {
  const ScratchFolder scratch;
  NoProgress progress;
  EvalRequest request = request_in(scratch);
  const EvalResult all = evaluate(request, progress);
  request.grid = panels::Grid{1, 2};
  request.count = 1;
  request.batch = 1;
  const EvalResult some = evaluate(request, progress);
  ASSERT_EQ(some.report["results"].size(), 1u);
  EXPECT_EQ(some.report["results"][0]["id"], "two");
  EXPECT_EQ(some.report["results"][0]["seed"], all.report["results"][1]["seed"]);
  request.grid = panels::Grid{3, 1};
  EXPECT_THROW(evaluate(request, progress), Error);
}

TEST(Evaluate, SaysThatNoClassifierIsThere) {
  const ScratchFolder scratch;
  NoProgress progress;
  EvalRequest request = request_in(scratch);
  request.classifier.reset();
  request.model_search = {scratch.path()};
  try {
    evaluate(request, progress);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("--classifier"), std::string::npos);
  }
}

TEST(EvalRequest, IsReadStrictly) {
  const Json good = {{"model", "m"}, {"captions", "c"}, {"steps", 3}, {"panel", "64x64"}};
  EXPECT_EQ(eval_request_from_json(good, "t").steps, 3);
  EXPECT_EQ(eval_request_from_json(good, "t").panel, (sampling::Size{64, 64}));
  for (const auto& [key, value] : std::vector<std::pair<std::string, Json>>{
           {"steps", 0}, {"count", 0}, {"dtype", "fp8"}, {"grid", "2"}, {"batch", 0}}) {
    Json bad = good;
    bad[key] = value;
    EXPECT_THROW(eval_request_from_json(bad, "t"), Error) << key;
  }
}

}  // namespace
}  // namespace iclora::eval
