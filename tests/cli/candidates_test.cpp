// iclora generate --candidates: from the command line to the files.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/program.h"
#include "core/json.h"
#include "vision_server.h"

namespace iclora {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing_support::completion;
using testing_support::expect_refused;
using testing_support::ProgramRun;
using testing_support::run_program;
using testing_support::ScratchFolder;
using testing_support::ServerRequest;
using testing_support::text_of_file;
using testing_support::VisionServer;

std::vector<std::string> generate(const fs::path& out, const std::vector<std::string>& more) {
  const std::string model = ICLORA_FIXTURES "/models/toy-dev";
  std::vector<std::string> line = {
      "generate", "--model",   model,     "--prompt", "[LEFT] a mug [RIGHT] the same mug",
      "--panel",  "32x32",     "--steps", "2",        "--json",
      "--out",    out.native()};
  line.insert(line.end(), more.begin(), more.end());
  return line;
}

const std::vector<std::string> kSeed = {"--seed", "3"};

TEST(CandidatesOption, TheKeptFileIsThatOfAPlainRunAndFromMakesItAgain) {
  const ScratchFolder scratch;
  const ProgramRun run =
      run_program(generate(scratch / "a", {"--seed", "3", "--candidates", "3", "--keep", "2"}));
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const Json json = Json::parse(run.out);
  EXPECT_EQ(json["canvases"].size(), 2U);
  ASSERT_EQ(json["seeds"].size(), 2U);
  EXPECT_EQ(json["seed"], json["seeds"][0]);
  const Json& candidates = json["candidates"];
  EXPECT_EQ(candidates["scored_by"], "pixels");
  EXPECT_EQ(candidates["steps"], 1);
  ASSERT_EQ(candidates["list"].size(), 3U);
  EXPECT_THAT(run.err, HasSubstr("Of 3 candidates, scored by pixels"));
  double worst_kept = 1, best_left = 0;
  for (const Json& one : candidates["list"]) {
    const double score = one["score"];
    if (!one.contains("kept")) {
      best_left = std::max(best_left, score);
      continue;
    }
    worst_kept = std::min(worst_kept, score);
    const std::string place = std::to_string(one["kept"].get<int>());
    EXPECT_EQ(json["seeds"][one["kept"].get<size_t>() - 1], one["seed"]);
    const ProgramRun plain =
        run_program(generate(scratch / ("plain-" + place), {"--seed", one["seed"].dump()}));
    ASSERT_EQ(plain.exit_code, 0) << plain.err;
    for (const std::string file : {".png", "-panel-1.png", "-panel-2.png"}) {
      EXPECT_EQ(text_of_file(scratch / fmt::format("a/canvas-0{}{}", place, file)),
                text_of_file(scratch / fmt::format("plain-{}/canvas-01{}", place, file)));
    }
  }
  EXPECT_GE(worst_kept, best_left);

  const ProgramRun again =
      run_program({"generate", "--from", (scratch / "a/canvas-02.png").native(), "--out",
                   (scratch / "b.png").native()});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(text_of_file(scratch / "b.png"), text_of_file(scratch / "a/canvas-02.png"));
}

TEST(CandidatesOption, GivenPanelsAndRedoChooseToo) {
  const ScratchFolder scratch;
  ASSERT_EQ(run_program(generate(scratch / "a.png", kSeed)).exit_code, 0);
  const ProgramRun redo =
      run_program({"generate", "--from", (scratch / "a.png").native(), "--redo", "2", "--seed",
                   "11", "--candidates", "2", "--out", (scratch / "b.png").native(), "--json"});
  ASSERT_EQ(redo.exit_code, 0) << redo.err;
  const Json json = Json::parse(redo.out);
  EXPECT_EQ(json["given"].size(), 1U);
  EXPECT_EQ(json["candidates"]["list"].size(), 2U);
  EXPECT_EQ(json["canvases"].size(), 1U);
}

TEST(CandidatesOption, AVisionModelChooses) {
  const ScratchFolder scratch;
  // The second candidate is the better one; the finished canvas is asked about once more.
  VisionServer server([](const ServerRequest&, size_t number) {
    const std::string mark = number == 2 ? "9" : "2";
    return completion(R"({"reason": "r", "adherence": [)" + mark + "," + mark +
                      R"(], "consistency": )" + mark + R"(, "quality": )" + mark + "}");
  });
  const ProgramRun run = run_program(
      generate(scratch / "a.png", {"--seed", "3", "--candidates", "3", "--judge", server.base(),
                                   "--judge-model", "eyes", "--judge-hint", "look at the handle"}),
      {"ICLORA_API_KEY=sk-do-not-tell"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const Json json = Json::parse(run.out);
  EXPECT_EQ(json["candidates"]["scored_by"], "judge");
  EXPECT_EQ(json["candidates"]["list"][1]["kept"], 1);
  EXPECT_EQ(json["seed"], 4);
  EXPECT_EQ(json["seeds"], Json::array({4}));
  EXPECT_THAT(run.err, HasSubstr("seeds 3 to 5 to choose from"));
  EXPECT_THAT(run.err, HasSubstr("seed 4 kept"));
  EXPECT_EQ(json["candidates"]["list"][1]["remark"], "r");
  EXPECT_EQ(json["candidates"]["list"][1]["finished"]["score"], 0.2);
  ASSERT_EQ(server.count(), 4U);
  EXPECT_EQ(server.request(0).json()["model"], "eyes");
  EXPECT_THAT(server.request(0).head, HasSubstr("authorization: Bearer sk-do-not-tell"));
  EXPECT_THAT(server.request(0).body, HasSubstr("look at the handle"));
  EXPECT_EQ(server.request(0).panels(), 2U);
  EXPECT_EQ(text_of_file(scratch / "a.png").find("sk-do-not-tell"), std::string::npos);

  // The kept picture is that of a plain run of its seed, and its own request makes it again.
  const ProgramRun plain = run_program(generate(scratch / "b.png", {"--seed", "4"}));
  EXPECT_EQ(Json::parse(plain.out)["seed"], 4);
  const ProgramRun again = run_program({"generate", "--from", (scratch / "a.png").native(), "--out",
                                        (scratch / "c.png").native(), "--json"});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(Json::parse(again.out)["seed"], 4);
  for (const char* other : {"b", "c"}) {
    for (const std::string file : {".png", "-panel-1.png", "-panel-2.png"}) {
      EXPECT_EQ(text_of_file(scratch / ("a" + file)), text_of_file(scratch / (other + file)))
          << other << file;
    }
  }
}

TEST(CandidatesOption, AJudgeThatSaysNothingUsefulLeavesNoPicture) {
  const ScratchFolder scratch;
  VisionServer server([](const ServerRequest&, size_t) { return completion("Lovely!"); });
  const ProgramRun run =
      run_program(generate(scratch / "a.png", {"--candidates", "2", "--judge", server.base()}));
  expect_refused(run, 2, "0 of 2 candidates could be scored");
  EXPECT_FALSE(fs::exists(scratch / "a.png"));
}

TEST(CandidatesOption, WrongOnesAreRefusedAndNothingIsWritten) {
  const ScratchFolder scratch;
  const auto refused = [&](const std::vector<std::string>& more, const std::string& part) {
    expect_refused(run_program(generate(scratch / "out", more)), 2, part);
    EXPECT_FALSE(fs::exists(scratch / "out"));
  };
  refused({"--candidates", "1"}, "--candidates");
  refused({"--candidates", "2", "--keep", "3"}, "--keep is 3, but --candidates is 2");
  refused({"--candidates", "2", "--count", "2"}, "--count contradicts --candidates");
  refused({"--candidates", "2", "--candidate-steps", "3"}, "a finished canvas has 2");
  refused({"--candidates", "2", "--score", "pixel"}, "did you mean 'pixels'?");
  refused({"--candidates", "2", "--score", "judge"}, "add --judge URL");
  refused({"--candidates", "2", "--score", "classifier"}, "--classifier FILE");
  refused({"--candidates", "2", "--classifier", "gone"}, "does not exist");
  refused({"--candidates", "2", "--judge", "localhost"}, "--judge is 'localhost'");
  refused({"--candidates", "2", "--judge", "http://127.0.0.1:1/v1", "--score", "pixels"},
          "contradict each other");
  refused({"--candidates", "2", "--judge-model", "eyes"}, "add --judge URL");
  for (const char* option : {"--keep", "--candidate-steps", "--score", "--judge"}) {
    refused({option, "1"}, "add --candidates N");
  }
  refused({"--candidates", "2", "--grid", "1x1", "--panel-prompt", "a mug"}, "--judge URL");
}

}  // namespace
}  // namespace iclora
