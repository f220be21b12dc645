#include "dataset/caption_sets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "dataset/data_set.h"
#include "dataset/read_sets.h"
#include "image/read.h"
#include "vision_server.h"

namespace iclora::dataset {
namespace {

using captions::HttpReply;
using captions::HttpRequest;
using testing::HasSubstr;
using testing_support::ScratchFolder;
using testing_support::ServerReply;
using testing_support::ServerRequest;

std::string text_of(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// An endpoint without a network.
struct Model {
  std::function<ServerReply(const ServerRequest&, size_t)> handler =
      [](const ServerRequest& request, size_t) {
        return testing_support::completion(testing_support::caption_json(request.panels(), "mugs"));
      };
  std::vector<ServerRequest> requests = {};

  HttpReply post(const HttpRequest& request, const std::function<bool()>& cancelled) {
    if (cancelled()) throw Cancelled{};
    requests.push_back({"", request.body});
    const ServerReply answer = handler(requests.back(), requests.size());
    HttpReply reply;
    reply.outcome = HttpReply::Outcome::answered;
    reply.status = answer.status;
    reply.body = answer.body;
    return reply;
  }
};

CaptionOptions plain_options() {
  CaptionOptions options;
  options.endpoint = captions::parse_endpoint("http://127.0.0.1:1/v1", "vision");
  options.patience.retries = 0;
  return options;
}

CaptionReport caption(const fs::path& path, Model& model,
                      const CaptionOptions& options = plain_options()) {
  NoProgress progress;
  return caption_sets(
      path, options,
      [&](const HttpRequest& request, const std::function<bool()>& cancelled) {
        return model.post(request, cancelled);
      },
      progress);
}

void put_pictures(const fs::path& folder, size_t panels, uint64_t seed) {
  for (size_t i = 1; i <= panels; ++i) {
    put_photo(folder / fmt::format("{}.png", i), 64, 48, seed * 1000 + i);
  }
}

/// What a training would read.
std::vector<Set> sets_in(const fs::path& path, const ReadOptions& options = {}) {
  return read_sets(path, options);
}

TEST(CaptionSets, WritesFoldersThatReadBackAndKeepsWhatIsThere) {
  const ScratchFolder scratch;
  put_pictures(scratch / "a", 2, 1);
  put_pictures(scratch / "b", 3, 2);
  put_set(scratch / "c", 2, 64, 48, 3, "mine [LEFT] x [RIGHT] y");
  put_pictures(scratch / "d", 1, 4);
  Model model;
  const CaptionReport report = caption(scratch.path(), model);
  EXPECT_EQ(report.sets, 4U);
  EXPECT_EQ(report.kept, 1U);
  EXPECT_EQ(report.failed, 0U) << all_lines(report.problems);
  ASSERT_EQ(report.written.size(), 3U);
  EXPECT_EQ(model.requests.size(), 3U);
  EXPECT_EQ(text_of(scratch / "c/caption.txt"), "mine [LEFT] x [RIGHT] y");
  const std::vector<Set> sets = sets_in(scratch.path());
  ASSERT_EQ(sets.size(), 4U);
  EXPECT_EQ(sets[0].caption.overall, "mugs as a set");
  EXPECT_EQ(sets[1].caption.panels.at(2), "mugs in panel 3");
  EXPECT_EQ(sets[3].caption, (captions::JointCaption{"", "mugs as a set", {}}));
  // Again: nothing is left to do.
  const CaptionReport again = caption(scratch.path(), model);
  EXPECT_EQ(again.kept, 4U);
  EXPECT_EQ(model.requests.size(), 3U);
}

TEST(CaptionSets, ShowsThePanelsUncutAndTheCanvas) {
  const ScratchFolder scratch;
  put_photo(scratch / "a/1.png", 1600, 400, 1);
  put_photo(scratch / "a/2.png", 64, 48, 2);
  CaptionOptions options = plain_options();
  options.data.grid = panels::Grid{1, 2};
  Model model;
  EXPECT_EQ(caption(scratch / "a", model, options).written.size(), 1U);
  std::vector<std::string> urls;
  const Json request = model.requests.at(0).json();
  for (const Json& part : request["messages"][1]["content"]) {
    if (part["type"] == "image_url") urls.push_back(part["image_url"]["url"]);
  }
  ASSERT_EQ(urls.size(), 3U);
  for (const std::string& url : urls) EXPECT_TRUE(url.starts_with("data:image/jpeg;base64,/9j/"));
  EXPECT_EQ(parse_json(text_of(scratch / "a/caption.json"), "x")["grid"], "1x2");
}

TEST(CaptionSets, RendersIntoTheDialectAndTriggerThatAreAskedFor) {
  for (const auto& [name, rendered] : std::vector<std::pair<std::string, std::string>>{
           {"scene", "[MUGS] mugs as a set [SCENE-1] mugs in panel 1 [SCENE-2] mugs in panel 2\n"},
           {"image", "[MUGS] mugs as a set [IMAGE1] mugs in panel 1 [IMAGE2] mugs in panel 2\n"},
           {"sides", "[MUGS] mugs as a set [LEFT] mugs in panel 1 [RIGHT] mugs in panel 2\n"}}) {
    const ScratchFolder scratch;
    put_pictures(scratch / "a", 2, 1);
    CaptionOptions options = plain_options();
    options.data.dialect = captions::dialect_from_name(name);
    options.data.trigger = "[MUGS]";
    Model model;
    const CaptionReport report = caption(scratch.path(), model, options);
    ASSERT_EQ(report.written.size(), 1U);
    EXPECT_EQ(text_of(scratch / "a/caption.txt"), rendered);
    EXPECT_EQ(report.written[0].caption + "\n", rendered);
    EXPECT_EQ(sets_in(scratch.path())[0].caption.trigger, "[MUGS]");
  }
}

TEST(CaptionSets, CutsGluedCanvasesAndWritesTheirTexts) {
  const ScratchFolder scratch;
  put_photo(scratch / "x.png", 96, 48, 1);
  put_photo(scratch / "y.png", 96, 48, 2);
  CaptionOptions options = plain_options();
  options.data.grid = panels::Grid{1, 2};
  Model model;
  EXPECT_EQ(caption(scratch.path(), model, options).written.size(), 2U);
  EXPECT_EQ(text_of(scratch / "x.txt"),
            "mugs as a set [LEFT] mugs in panel 1 [RIGHT] mugs in panel 2\n");
  EXPECT_EQ(sets_in(scratch.path())[1].panels.size(), 2U);
}

TEST(CaptionSets, FillsAManifestAndLeavesItsOtherLinesAsTheyAre) {
  const ScratchFolder scratch;
  put_pictures(scratch / "p", 4, 1);
  const std::string kept =
      R"({"id":"b",  "overall":"mine","panels":[{"image":"p/3.png","caption":"x"},{"image":"p/4.png","caption":"y"}]})";
  put_text(scratch / "sets.jsonl",
           R"({"id":"a","task":"mugs","panels":[{"image":"p/1.png","centre":[0.5,0.2]},)"
           R"({"image":"p/2.png"}]})"
           "\r\n" +
               kept + "\n");
  Model model;
  const CaptionReport report = caption(scratch.path(), model);
  EXPECT_EQ(report.written.size(), 1U) << all_lines(report.problems);
  EXPECT_EQ(report.kept, 1U);
  EXPECT_THAT(text_of(scratch / "sets.jsonl"), HasSubstr("\r\n" + kept + "\n"));
  EXPECT_THAT(model.requests[0].body, HasSubstr("All sets of this kind are: mugs."));
  const std::vector<Set> sets = sets_in(scratch.path());
  EXPECT_EQ(sets[0].caption.panels.at(1), "mugs in panel 2");
  EXPECT_EQ(sets[0].panels[0].centre, (Centre{0.5, 0.2}));
}

TEST(CaptionSets, OverwritesWhereItIsToldToAndKeepsTheRestOfTheFile) {
  const ScratchFolder scratch;
  put_pictures(scratch / "a", 2, 1);
  put_text(scratch / "a/caption.json",
           R"({"trigger": "[MUGS]", "task": "mugs", "overall": "old", "panels": ["x", "y"]})");
  put_set(scratch / "b", 2, 64, 48, 2, "broken [LEFT] x");  // half of the markers
  CaptionOptions options = plain_options();
  Model model;
  EXPECT_THROW(caption(scratch.path(), model, options), Error);
  options.overwrite = true;
  EXPECT_EQ(caption(scratch.path(), model, options).written.size(), 2U);
  const Json json = parse_json(text_of(scratch / "a/caption.json"), "x");
  EXPECT_EQ(json["trigger"], "[MUGS]");
  EXPECT_EQ(json["task"], "mugs");
  EXPECT_EQ(json["overall"], "mugs as a set");
  EXPECT_EQ(sets_in(scratch.path())[1].caption.panels.size(), 2U);
}

TEST(CaptionSets, AsksNobodyTheSameTwice) {
  const ScratchFolder scratch;
  put_pictures(scratch / "in/a", 2, 1);
  put_pictures(scratch / "in/b", 2, 2);
  CaptionOptions options = plain_options();
  options.cache = scratch / "cache";
  Model model;
  caption(scratch / "in", model, options);
  EXPECT_EQ(model.requests.size(), 2U);
  fs::remove(scratch / "in/a/caption.json");
  options.overwrite = true;
  options.data.dialect = captions::Dialect::panel;  // rendered anew, not asked anew
  const CaptionReport report = caption(scratch / "in", model, options);
  EXPECT_EQ(model.requests.size(), 2U);
  ASSERT_EQ(report.written.size(), 2U);
  EXPECT_TRUE(report.written[0].cached);
  EXPECT_THAT(text_of(scratch / "in/a/caption.txt"), HasSubstr("[PANEL-1]"));
  put_photo(scratch / "in/b/2.png", 64, 48, 77);
  caption(scratch / "in", model, options);
  EXPECT_EQ(model.requests.size(), 3U);
}

TEST(CaptionSets, GoesOnAfterASetThatFails) {
  const ScratchFolder scratch;
  for (size_t i = 1; i <= 3; ++i) put_pictures(scratch / std::to_string(i), 2, i);
  Model model;
  const auto good = model.handler;
  model.handler = [&](const ServerRequest& request, size_t number) {
    // The second set, asked three times.
    return number >= 2 && number <= 4 ? testing_support::completion("mugs, I guess")
                                      : good(request, number);
  };
  const CaptionReport report = caption(scratch.path(), model);
  EXPECT_EQ(report.written.size(), 2U);
  EXPECT_EQ(report.failed, 1U);
  const Problem* problem = find_problem(report.problems, "2", "no caption that can be used");
  ASSERT_NE(problem, nullptr) << all_lines(report.problems);
  EXPECT_EQ(problem->level, Level::error);
  EXPECT_FALSE(fs::exists(scratch / "2/caption.json"));
  model.handler = good;
  EXPECT_EQ(caption(scratch.path(), model).written.size(), 1U);
}

TEST(CaptionSets, StopsAskingAnEndpointThatIsSilentForGood) {
  const ScratchFolder scratch;
  for (size_t i = 1; i <= 6; ++i) put_pictures(scratch / std::to_string(i), 1, i);
  Model model;
  const auto good = model.handler;
  model.handler = [&](const ServerRequest& request, size_t number) {
    return number == 1 ? good(request, number) : testing_support::failure(500, "out of memory");
  };
  const CaptionReport report = caption(scratch.path(), model);
  EXPECT_EQ(model.requests.size(), 4U);
  EXPECT_EQ(report.written.size(), 1U);
  EXPECT_EQ(report.failed, 3U);
  EXPECT_EQ(report.untried, 2U);
  const Json json = caption_report_to_json(report);
  EXPECT_EQ(json["failed"], 3);
  EXPECT_EQ(json["untried"], 2);
  EXPECT_EQ(json["captions"].size(), 1U);
  EXPECT_EQ(json["problems"].size(), 4U);
}

TEST(CaptionSets, EndsAtOnceWhereNoSetCanBeDescribedAndKeepsWhatIsDone) {
  const ScratchFolder scratch;
  for (size_t i = 1; i <= 3; ++i) put_pictures(scratch / std::to_string(i), 1, i);
  Model model;
  const auto good = model.handler;
  model.handler = [&](const ServerRequest& request, size_t number) {
    return number == 1 ? good(request, number) : testing_support::failure(401, "who are you");
  };
  EXPECT_THROW(caption(scratch.path(), model), Error);
  EXPECT_EQ(model.requests.size(), 2U);
  EXPECT_TRUE(fs::exists(scratch / "1/caption.json"));
}

TEST(CaptionSets, TellsWhatTheLintFinds) {
  const ScratchFolder scratch;
  put_pictures(scratch / "a", 2, 1);
  Model model;
  model.handler = [](const ServerRequest&, size_t) {
    return testing_support::completion(
        R"({"overall": "<Anna> at home", "panels": ["<Anna> sits", "Anna stands"]})");
  };
  const CaptionReport report = caption(scratch.path(), model);
  EXPECT_EQ(report.written.size(), 1U);
  ASSERT_EQ(report.problems.size(), 1U) << all_lines(report.problems);
  EXPECT_EQ(report.problems[0].level, Level::warning);
  EXPECT_THAT(report.problems[0].what, HasSubstr("Anna"));
}

TEST(CaptionSets, RefusesBeforeItAsks) {
  const ScratchFolder scratch;
  put_pictures(scratch / "a", 2, 1);
  put_text(scratch / "b/1.png", "junk");
  put_text(scratch / "b/caption.txt", "x");
  Model model;
  EXPECT_THROW(caption(scratch.path(), model), Error);
  fs::remove_all(scratch / "b");
  CaptionOptions options = plain_options();
  options.data.grid = panels::Grid{3, 1};
  EXPECT_THROW(caption(scratch.path(), model, options), Error);
  options = plain_options();
  options.data.dialect = captions::Dialect::corners;
  EXPECT_THROW(caption(scratch.path(), model, options), Error);
  EXPECT_TRUE(model.requests.empty());
  EXPECT_FALSE(fs::exists(scratch / "a/caption.json"));
}

TEST(CaptionSets, StopsWhenItIsCancelled) {
  const ScratchFolder scratch;
  for (size_t i = 1; i <= 3; ++i) put_pictures(scratch / std::to_string(i), 1, i);
  Model model;
  struct UntilFirst final : Progress {
    int64_t done = 0;
    void report(const ProgressEvent& event) override { done = event.step; }
    bool cancelled() const override { return done > 0; }
  } progress;
  const auto send = [&](const HttpRequest& request, const std::function<bool()>& cancelled) {
    return model.post(request, cancelled);
  };
  EXPECT_THROW(caption_sets(scratch.path(), plain_options(), send, progress), Cancelled);
  EXPECT_EQ(model.requests.size(), 1U);
  EXPECT_TRUE(fs::exists(scratch / "1/caption.json"));
}

}  // namespace
}  // namespace iclora::dataset
