#include "captions/question.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "captions/answer_cache.h"
#include "captions/base64.h"
#include "scratch.h"

namespace iclora::captions {
namespace {

using testing::HasSubstr;

Question question(size_t panels) {
  Question question;
  question.grid = {1, static_cast<int64_t>(panels)};
  for (size_t i = 0; i < panels; ++i) {
    question.panels.push_back({"image/jpeg", "bytes of " + std::to_string(i)});
  }
  if (panels > 1) question.canvas.push_back({"image/jpeg", "the canvas"});
  return question;
}

// RFC 4648, section 10.
TEST(Base64, GivesTheVectorsOfItsSpecification) {
  const std::vector<std::pair<std::string, std::string>> vectors = {{"", ""},
                                                                    {"f", "Zg=="},
                                                                    {"fo", "Zm8="},
                                                                    {"foo", "Zm9v"},
                                                                    {"foob", "Zm9vYg=="},
                                                                    {"fooba", "Zm9vYmE="},
                                                                    {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) EXPECT_EQ(base64(bytes), text);
  EXPECT_EQ(base64("\xFB\xFF\xBF"), "+/+/");
}

TEST(RequestBody, ShowsEachPanelAndTheCanvasAndAsksForASchema) {
  const Json body = request_body(question(3), "vision", {}, {});
  EXPECT_EQ(body["model"], "vision");
  EXPECT_EQ(body["stream"], false);
  std::vector<std::string> pictures;
  for (const Json& part : body["messages"][1]["content"]) {
    if (part["type"] == "image_url") pictures.push_back(part["image_url"]["url"]);
  }
  ASSERT_EQ(pictures.size(), 4U);
  EXPECT_EQ(pictures[1], "data:image/jpeg;base64," + base64("bytes of 1"));
  EXPECT_EQ(pictures[3], "data:image/jpeg;base64," + base64("the canvas"));
  const Json& format = body["response_format"];
  EXPECT_EQ(format["type"], "json_schema");
  const Json& schema = format["json_schema"]["schema"];
  EXPECT_EQ(schema["properties"]["panels"]["minItems"], 3);
  EXPECT_EQ(schema["properties"]["panels"]["maxItems"], 3);
  EXPECT_EQ(schema["required"], Json::array({"overall", "panels"}));
  EXPECT_EQ(schema["additionalProperties"], false);
}

TEST(RequestBody, LeavesOutWhatAnEndpointDoesNotKnow) {
  const Json body = request_body(question(1), "", {false, ""}, {});
  EXPECT_FALSE(body.contains("response_format"));
  EXPECT_FALSE(body.contains("max_tokens"));
  EXPECT_FALSE(body.contains("model"));
  EXPECT_TRUE(request_body(question(1), "x", {false, "max_completion_tokens"}, {})
                  .contains("max_completion_tokens"));
  EXPECT_FALSE(answer_schema(1)["properties"].contains("panels"));
}

TEST(RequestBody, SaysWhyAnAnswerWasRefused) {
  const Json body = request_body(question(2), "x", {}, {{"rubbish", "it is rubbish."}});
  ASSERT_EQ(body["messages"].size(), 4U);
  EXPECT_EQ(body["messages"][2]["role"], "assistant");
  EXPECT_EQ(body["messages"][2]["content"], "rubbish");
  EXPECT_THAT(body["messages"][3]["content"].get<std::string>(), HasSubstr("it is rubbish."));
}

TEST(QuestionKey, ChangesWithWhateverChangesTheAnswer) {
  const Question base = question(2);
  const std::string key = question_key(base, "a", "http://x");
  EXPECT_EQ(key.size(), 64U);
  EXPECT_EQ(question_key(question(2), "a", "http://x"), key);
  EXPECT_NE(question_key(base, "b", "http://x"), key);
  EXPECT_NE(question_key(base, "a", "http://y"), key);
  Question other = base;
  other.panels[1].bytes += '!';
  EXPECT_NE(question_key(other, "a", "http://x"), key);
  other = base;
  std::swap(other.panels[0], other.panels[1]);
  EXPECT_NE(question_key(other, "a", "http://x"), key);
  other = base;
  other.hint = "say the colours";
  EXPECT_NE(question_key(other, "a", "http://x"), key);
  other = base;
  other.words = 60;
  EXPECT_NE(question_key(other, "a", "http://x"), key);
}

TEST(AnswerCache, GivesBackWhatWasKeptAndNothingElse) {
  const testing_support::ScratchFolder scratch;
  const AnswerCache cache(scratch / "answers");
  const std::string key = question_key(question(2), "a", "b");
  const JointCaption caption = {"", "two \"mugs\"", {"rot", "blau \xC3\xA4"}};
  EXPECT_FALSE(cache.find(key).has_value());
  cache.keep(key, caption);
  EXPECT_EQ(cache.find(key), caption);
  EXPECT_FALSE(AnswerCache("").find(key).has_value());
  for (const auto& entry : std::filesystem::recursive_directory_iterator(scratch.path())) {
    if (entry.is_regular_file()) std::filesystem::resize_file(entry.path(), 9);
  }
  EXPECT_FALSE(cache.find(key).has_value());
}

}  // namespace
}  // namespace iclora::captions
