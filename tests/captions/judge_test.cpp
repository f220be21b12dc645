#include "captions/judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "vision_server.h"

namespace iclora::captions {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

JudgeQuestion mugs() {
  JudgeQuestion question;
  question.grid = {1, 2};
  question.panels = {{"image/jpeg", "a"}, {"image/jpeg", "b"}};
  question.canvas = {{"image/jpeg", "ab"}};
  question.caption = "two  mugs";
  question.parts = {"a red mug", "the same mug, blue"};
  return question;
}

constexpr const char* kMarks =
    R"({"reason": "fine", "adherence": [10, 4], "consistency": 8, "quality": 9})";

/// Answers in order, the last one again and again; remembers what was sent.
struct Script {
  std::vector<std::string> answers;
  std::vector<Json> sent = {};

  Judgement judge(const JudgeQuestion& question = mugs()) {
    Judge judge(
        parse_endpoint("http://127.0.0.1:1/v1", "vision", {"--judge", "--judge-model"}), {},
        [this](const HttpRequest& request) {
          sent.push_back(parse_json(request.body, "a request"));
          HttpReply reply;
          reply.outcome = HttpReply::Outcome::answered;
          const std::string& answer = answers[std::min(sent.size(), answers.size()) - 1];
          reply.status = answer.starts_with("404") ? 404 : 200;
          reply.body = testing_support::completion(answer).body;
          return reply;
        },
        [](std::chrono::milliseconds) {});
    return judge.judge(question);
  }
};

TEST(Judge, MarksBecomeAScore) {
  Script script{{kMarks}};
  const Judgement judgement = script.judge();
  ASSERT_TRUE(judgement.verdict.has_value()) << judgement.fault;
  EXPECT_THAT(judgement.verdict->adherence, ElementsAre(1.0, 0.4));
  EXPECT_EQ(judgement.verdict->consistency, 0.8);
  EXPECT_EQ(judgement.verdict->reason, "fine");
  EXPECT_NEAR(judgement.verdict->score(), (0.7 + 0.8 + 0.9) / 3, 1e-12);
}

TEST(Judge, ShowsThePanelsTheCanvasAndWhatWasAskedFor) {
  Script script{{kMarks}};
  JudgeQuestion question = mugs();
  question.hint = "the handle matters";
  script.judge(question);
  const Json& parts = script.sent[0]["messages"][1]["content"];
  EXPECT_EQ(std::count_if(parts.begin(), parts.end(),
                          [](const Json& part) { return part["type"] == "image_url"; }),
            3);
  const std::string told = parts.back()["text"];
  EXPECT_THAT(told, HasSubstr("from the caption: two mugs\n"));
  EXPECT_THAT(told, HasSubstr("Panel 2 is to show: the same mug, blue\n"));
  EXPECT_THAT(told, HasSubstr("the handle matters"));
  EXPECT_THAT(told, HasSubstr("consistency"));
  const Json& schema = script.sent[0]["response_format"]["json_schema"]["schema"];
  EXPECT_EQ(schema["properties"]["adherence"]["minItems"], 2);
  EXPECT_EQ(schema["required"].size(), 4U);
}

TEST(Judge, OfASinglePanelNoConsistencyIsAsked) {
  JudgeQuestion question = mugs();
  question.panels.resize(1);
  question.canvas.clear();
  question.parts.clear();
  Script script{{R"({"adherence": [6], "quality": 8, "reason": ""})"}};
  const Judgement judgement = script.judge(question);
  ASSERT_TRUE(judgement.verdict.has_value()) << judgement.fault;
  EXPECT_NEAR(judgement.verdict->score(), 0.7, 1e-12);
  const std::string told = script.sent[0]["messages"][1]["content"].back()["text"];
  EXPECT_THAT(told, Not(HasSubstr("consistency")));
  EXPECT_FALSE(script.sent[0]["response_format"]["json_schema"]["schema"]["properties"].contains(
      "consistency"));
}

TEST(Judge, AsksAgainWithTheReasonAndGivesUpAfterThree) {
  Script mended{
      {"Lovely!", std::string("Let me see: {\"quality\": 3}\n```json\n") + kMarks + "\n```"}};
  ASSERT_TRUE(mended.judge().verdict.has_value());
  ASSERT_EQ(mended.sent.size(), 2U);
  EXPECT_THAT(mended.sent[1]["messages"].back()["content"].get<std::string>(),
              HasSubstr("no JSON object"));

  const std::vector<std::pair<std::string, std::string>> bad = {
      {R"({"adherence": [10], "consistency": 8, "quality": 9})", "list of 2 numbers"},
      {R"({"adherence": [10, 11], "consistency": 8, "quality": 9})", "no number from 0 to 10"},
      {R"({"adherence": [10, "10"], "consistency": 8, "quality": 9})", "no number from 0 to 10"},
      {R"({"adherence": [10, 10], "quality": 9})", "\"consistency\" is no number"},
      {R"({"adherence": [10, 10], "consistency": -1, "quality": 9})", "\"consistency\""},
      {R"({"adherence": [10, 10], "consistency": 1})", "\"quality\" is no number"},
      {R"({"marks": 1})", "no \"adherence\""},
      {"", "the answer is empty"}};
  for (const auto& [answer, fault] : bad) {
    Script script{{answer}};
    const Judgement judgement = script.judge();
    EXPECT_FALSE(judgement.verdict.has_value()) << answer;
    EXPECT_THAT(judgement.fault, HasSubstr("no verdict that can be used, asked 3 times")) << answer;
    EXPECT_THAT(judgement.fault, HasSubstr(fault)) << answer;
    EXPECT_EQ(script.sent.size(), 3U);
  }
}

TEST(Judge, NamesItsOwnOptions) {
  Script script{{"404"}};
  try {
    script.judge();
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("check --judge "));
    EXPECT_THAT(error.what(), HasSubstr("--judge-model"));
  }
  EXPECT_THROW(parse_endpoint("ftp://x", "", {"--judge", "--judge-model"}), Error);
}

}  // namespace
}  // namespace iclora::captions
