#include "eval/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <span>

#include "core/error.h"
#include "drawn_sets.h"
#include "eval/comparison_sheet.h"
#include "eval/page.h"
#include "refusal.h"
#include "scratch.h"
#include "weights/safetensors_writer.h"

namespace iclora::eval {
namespace {

using testing::HasSubstr;
using testing_support::refusal_of;
using testing_support::ScratchFolder;
using testing_support::write_pair_labels;
using testing_support::write_pairs;

const std::string kAdapter = ICLORA_FIXTURES "/models/lora-a.safetensors";

CompareRequest request_in(const ScratchFolder& scratch, bool labels = true) {
  write_pairs(scratch.path(), 3);
  if (labels) write_pair_labels(scratch.path(), 3);
  CompareRequest request;
  request.model = ICLORA_FIXTURES "/models/toy-dev";
  request.classifier = ICLORA_FIXTURES "/eval/classifier.safetensors";
  request.sets = scratch.path();
  request.panel = sampling::Size{32, 32};
  request.steps = 1;
  request.text_length = 16;
  request.dtype = "fp32";
  return request;
}

Comparison compared(const CompareRequest& request) {
  NoProgress progress;
  return compare(request, progress);
}

std::string refusal(const CompareRequest& request) {
  return refusal_of([&] { compared(request); });
}

TEST(Compare, MeasuresBaseAndAdaptersBetweenDrawnAndShuffled) {
  const ScratchFolder scratch;
  CompareRequest request = request_in(scratch);
  request.loras = {{kAdapter, 1.0}, {kAdapter, 0.5}};
  const Comparison result = compared(request);
  std::vector<std::string> names;
  for (const Json& row : result.report["rows"]) names.push_back(row["name"]);
  EXPECT_EQ(names, (std::vector<std::string>{"drawn", "shuffled", "rebuilt", "base", "lora-a",
                                             "lora-a:0.5"}));
  EXPECT_EQ(result.report["grid"], "1x2");
  EXPECT_EQ(result.report["shared"], Json({"subject"}));
  EXPECT_EQ(result.report["varies"], Json({"background"}));
  EXPECT_EQ(result.report["rows"][4]["strength"], 1.0);
  for (const Json& row : result.report["rows"]) {
    for (const char* name : {"consistency", "different", "success", "adherence", "seam_step"}) {
      ASSERT_TRUE(row["measures"].contains(name)) << row["name"] << " " << name;
    }
    EXPECT_EQ(row["measures"]["consistency"]["sets"], 3);
  }
  ASSERT_EQ(result.report["differences"].size(), 2u);
  // A difference is that of its two rows.
  const auto value = [&](size_t row) {
    return result.report["rows"][row]["measures"]["like_real"]["value"].get<double>();
  };
  EXPECT_NEAR(result.report["differences"][0]["measures"]["like_real"]["value"].get<double>(),
              value(4) - value(3), 2e-4);  // each rounded to four digits
  // The sums are those of the single sets.
  double sum = 0;
  for (const Json& one : result.report["results"]) {
    sum += one["rows"]["base"]["measures"]["adherence"].get<double>();
  }
  EXPECT_NEAR(result.report["rows"][3]["measures"]["adherence"]["value"].get<double>(), sum / 3,
              1e-3);
  EXPECT_EQ(result.rows[0].feature_distance, 0);
  EXPECT_GT(*result.rows[2].feature_distance, 0);
  EXPECT_EQ(result.rows[2].sets[0][0].canvas.width, 64);
}

TEST(Compare, AnAdapterOfNoStrengthIsTheBase) {
  const ScratchFolder scratch;
  CompareRequest request = request_in(scratch);
  request.loras = {{kAdapter, 0.0}};
  const Comparison result = compared(request);
  ASSERT_EQ(result.rows.size(), 5u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(result.rows[3].sets[i][0].canvas, result.rows[4].sets[i][0].canvas);
  }
  for (const auto& [name, difference] : result.report["differences"][0]["measures"].items()) {
    EXPECT_EQ(difference["value"], 0) << name;
    EXPECT_EQ(difference["high"], 0) << name;
  }
  request.loras = {{kAdapter, 4.0}};
  const Comparison strong = compared(request);
  EXPECT_EQ(strong.rows[3].sets[0][0].canvas, result.rows[3].sets[0][0].canvas);
  EXPECT_NE(strong.rows[4].sets[0][0].canvas, strong.rows[3].sets[0][0].canvas);
}

TEST(Compare, RepeatsEverySetWithSeedsOfItsOwn) {
  const ScratchFolder scratch;
  CompareRequest request = request_in(scratch);
  request.repeat = 2;
  request.count = 2;
  const Comparison result = compared(request);
  ASSERT_EQ(result.rows[3].sets.size(), 2u);
  ASSERT_EQ(result.rows[3].sets[0].size(), 2u);
  EXPECT_NE(result.rows[3].sets[0][0].canvas, result.rows[3].sets[0][1].canvas);
  EXPECT_EQ(result.rows[3].measures[0].at("adherence").weight, 4);
  // Set 0's second canvas has the seed after all first ones.
  request.repeat = 1;
  request.seed = 2;
  EXPECT_EQ(compared(request).rows[3].sets[0][0].canvas, result.rows[3].sets[0][1].canvas);
}

TEST(Compare, MeasuresSetsOfAnyWorldByTheirPixels) {
  const ScratchFolder scratch;
  CompareRequest request = request_in(scratch, false);
  request.classifier.reset();
  const Comparison result = compared(request);
  EXPECT_EQ(result.report["labelled"], false);
  for (const Json& row : result.report["rows"]) {
    EXPECT_FALSE(row["measures"].contains("consistency"));
    EXPECT_TRUE(row["measures"].contains("colours_shared"));
  }
  EXPECT_EQ(result.report["rows"][0]["measures"]["like_real"]["value"], 1);
  EXPECT_THAT(comparison_page(result), HasSubstr("colours shared"));
  EXPECT_EQ(comparison_sheet(result).width, 1600);
}

TEST(Compare, WithoutAModelTellsWhatTheRealSetsReach) {
  const ScratchFolder scratch;
  CompareRequest request = request_in(scratch);
  request.model.clear();
  const Comparison result = compared(request);
  ASSERT_EQ(result.rows.size(), 2u);
  EXPECT_EQ(result.rows[1].kind, "shuffled");
  // Panel 1 is the set's own, panel 2 the next set's.
  EXPECT_EQ(result.rows[1].sets[0][0].panels[0], result.sets.sets[0].panels[0]);
  EXPECT_EQ(result.rows[1].sets[0][0].panels[1], result.sets.sets[1].panels[1]);
  EXPECT_EQ(result.rows[1].sets[2][0].panels[1], result.sets.sets[0].panels[1]);
}

TEST(Compare, FindsTheHeldOutSetsOfATask) {
  const ScratchFolder scratch;
  CompareRequest request = request_in(scratch);
  write_pairs(scratch / "task/held-out", 2);
  write_pair_labels(scratch / "task/held-out", 2);
  std::ofstream(scratch / "task/task.json")
      << R"({"task": "pairs", "grid": "1x2", "shared": ["subject", "style"], "varies": []})";
  std::filesystem::remove(scratch / "task/held-out/task.json");
  request.model.clear();
  for (const char* folder : {"task", "task/held-out", "task/held-out/sets", "task/held-out/"}) {
    request.sets = scratch / folder;
    const Comparison result = compared(request);
    EXPECT_EQ(result.report["task"], "pairs") << folder;
    EXPECT_EQ(result.report["shared"], Json({"subject", "style"})) << folder;
    EXPECT_EQ(result.report["count"], 2) << folder;
    EXPECT_EQ(result.report["labelled"], true) << folder;
  }
}

TEST(Compare, RefusesLabelsThatDoNotFit) {
  const ScratchFolder scratch;
  CompareRequest request = request_in(scratch);
  std::ofstream(scratch / "labels.jsonl")
      << R"({"id": "001", "panels": [{"labels": {"subjct": "cat"}}, {"labels": {}}]})";
  EXPECT_THAT(refusal(request), HasSubstr("Did you mean 'subject'?"));
  std::ofstream(scratch / "labels.jsonl")
      << R"({"id": "001", "panels": [{"labels": {"subject": "yak"}}, {"labels": {}}]})";
  EXPECT_THAT(refusal(request), HasSubstr("no class 'yak'"));
  std::ofstream(scratch / "labels.jsonl") << R"({"id": "001", "panels": [{"labels": {}}]})";
  EXPECT_THAT(refusal(request), HasSubstr("1 panels there, but 2 pictures"));
  write_pair_labels(scratch.path(), 2);
  EXPECT_THAT(refusal(request), HasSubstr("no line for the set"));
  write_pair_labels(scratch.path(), 3);
  request.model.clear();
  request.loras = {{kAdapter, 1.0}};
  EXPECT_THAT(refusal(request), HasSubstr("--model"));
}

TEST(Compare, RefusesAdaptersOfAnotherModelBeforeAnythingIsDrawn) {
  const ScratchFolder scratch;
  CompareRequest request = request_in(scratch);
  struct Phases final : Progress {
    std::vector<std::string> seen;
    void report(const ProgressEvent& event) override { seen.emplace_back(event.phase); }
  } progress;
  const auto write = [&](const std::string& module, const std::string& iclora) {
    weights::SafetensorsWriter writer(
        scratch / "l.safetensors",
        {{"transformer." + module + ".lora_A.weight", weights::Dtype::f32, {2, 32}},
         {"transformer." + module + ".lora_B.weight", weights::Dtype::f32, {32, 2}}},
        {{"iclora", iclora}});
    const std::vector<float> values(128, 0.5F);
    writer.append(std::as_bytes(std::span(values)));
    writer.commit();
    request.loras = {{(scratch / "l.safetensors").native(), 1.0}};
    EXPECT_THROW(compare(request, progress), Error) << module << iclora;
  };
  write("transformer_blocks.77.attn.to_q", "{}");
  write("transformer_blocks.0.attn.to_q", R"({"dialect": "cuneiform"})");
  EXPECT_THAT(progress.seen, testing::IsEmpty());
}

TEST(TestSets, VaryInWhatAnyTwoPanelsShow) {
  const ScratchFolder scratch;
  write_pairs(scratch.path(), 1);
  std::filesystem::copy_file(scratch / "sets/001/1.png", scratch / "sets/001/3.png");
  std::ofstream(scratch / "sets/001/caption.json")
      << R"({"overall": "three", "panels": ["a", "b", "c"]})";
  std::ofstream(scratch / "labels.jsonl")
      << R"({"id": "001", "panels": [{"labels": {"subject": "cat"}}, )"
      << R"({"labels": {"subject": "cat", "background": "night"}}, )"
      << R"({"labels": {"subject": "cat", "background": "room"}}]})";
  const Classifier classifier = open_classifier(ICLORA_FIXTURES "/eval/classifier.safetensors");
  TestSetOptions options;
  options.grid = panels::Grid{1, 3};
  const TestSets sets = read_test_sets(scratch.path(), &classifier, options);
  ASSERT_EQ(sets.varies.size(), 1U);
  EXPECT_EQ(classifier.columns[sets.varies[0]].name, "background");
}

TEST(ComparisonPage, HoldsEverythingItself) {
  const ScratchFolder scratch;
  CompareRequest request = request_in(scratch);
  request.loras = {{kAdapter, 1.0}};
  const std::string page = comparison_page(compared(request));
  EXPECT_THAT(page, HasSubstr("data:image/png;base64,iVBORw0KGgo"));
  EXPECT_THAT(page, HasSubstr("<svg"));
  EXPECT_THAT(page, HasSubstr("lora-a minus base"));
  // Captions are text, not markup.
  EXPECT_THAT(page, HasSubstr("a pair &lt;&amp;&gt;"));
  EXPECT_EQ(page.find("http"), std::string::npos);
  EXPECT_EQ(page.find("src=\"/"), std::string::npos);
}

TEST(CompareRequest, IsReadStrictly) {
  const Json good = {{"sets", "s"}, {"loras", {{{"file", "a"}, {"strength", 0.5}}}}, {"repeat", 3}};
  EXPECT_EQ(compare_request_from_json(good, "t").repeat, 3);
  EXPECT_EQ(compare_request_from_json(good, "t").loras[0].strength, 0.5);
  for (const auto& [key, value] : std::vector<std::pair<std::string, Json>>{
           {"repeat", 0}, {"count", 0}, {"dtype", "fp8"}, {"steps", 0}, {"base", 1}}) {
    Json bad = good;
    bad[key] = value;
    EXPECT_THROW(compare_request_from_json(bad, "t"), Error) << key;
  }
}

}  // namespace
}  // namespace iclora::eval
