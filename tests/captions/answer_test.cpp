#include "captions/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "captions/chat.h"
#include "core/json.h"

namespace iclora::captions {
namespace {

using testing::HasSubstr;

const JointCaption kMugs = {"", "two mugs", {"a red one", "a blue one"}};
constexpr const char* kMugsJson =
    R"({"overall": "two mugs", "panels": ["a red one", "a blue one"]})";

Expected expected(size_t panels = 2, Dialect dialect = Dialect::scene) {
  return {panels, dialect, 100};
}

std::string fault_of(std::string_view said, const Expected& wanted = expected()) {
  const Answer answer = read_answer(said, wanted);
  EXPECT_FALSE(answer.caption.has_value()) << said;
  EXPECT_TRUE(answer.fault.ends_with('.')) << answer.fault;
  return answer.fault;
}

std::string body_with(const Json& message, const std::string& reason = "stop") {
  return Json{{"choices", {{{"finish_reason", reason}, {"message", message}}}}}.dump();
}

TEST(ReadAnswer, FindsTheObjectWhereverItStands) {
  const std::string object = kMugsJson;
  for (const std::string& said :
       {object, "```json\n" + object + "\n```", "```\n" + object + "```\nI hope that helps {:-)",
        "Here is the caption: " + object + " Anything else?",
        "<think>{\"overall\": \"a draft\", \"panels\": [\"a\", \"b\"]} or rather</think>" + object,
        "\xEF\xBB\xBF" + object, "{ not json } " + object,
        std::string(
            R"({"overall": " two\nmugs ", "panels": ["a  red one", {"text": "a blue one"}],)") +
            R"( "confidence": 0.5})"}) {
    const Answer answer = read_answer(said, expected());
    ASSERT_TRUE(answer.caption.has_value()) << said << ": " << answer.fault;
    EXPECT_EQ(*answer.caption, kMugs) << said;
  }
}

TEST(ReadAnswer, SaysWhatIsWrongWithNonsense) {
  EXPECT_THAT(fault_of(""), HasSubstr("no JSON object"));
  EXPECT_THAT(fault_of("I cannot see any image."), HasSubstr("no JSON object"));
  EXPECT_THAT(fault_of(R"({"overall": "two mugs", "panels": ["a red)"),
              HasSubstr("no JSON object"));
  EXPECT_THAT(fault_of(R"({"caption": "two mugs"})"), HasSubstr("no \"overall\""));
  EXPECT_THAT(fault_of(R"({"overall": 3, "panels": []})"), HasSubstr("no text \"overall\""));
  EXPECT_THAT(fault_of(R"({"overall": "x"})"), HasSubstr("no list \"panels\""));
  EXPECT_THAT(fault_of(R"({"overall": "x", "panels": ["a", 7]})"), HasSubstr("is no text"));
  EXPECT_THAT(fault_of(R"({"overall": "x", "panels": ["a"]})"), HasSubstr("has 1 texts"));
  EXPECT_THAT(fault_of(R"({"overall": "x", "panels": ["a", "b", "c"]})"), HasSubstr("has 3 texts"));
  EXPECT_THAT(fault_of(R"({"overall": "x", "panels": ["a", " "]})"), HasSubstr("panel 2 is empty"));
  EXPECT_THAT(fault_of(R"({"overall": "...", "panels": ["a", "b"]})"), HasSubstr("no words"));
  EXPECT_THAT(fault_of(R"({"overall": "x\u0007", "panels": ["a", "b"]})"),
              HasSubstr("control characters"));
  std::string long_text;
  for (int i = 0; i < 120; ++i) long_text += "word ";
  EXPECT_THAT(fault_of(Json{{"overall", long_text}, {"panels", {"a", "b"}}}.dump()),
              HasSubstr("100 are the most"));
  EXPECT_THAT(fault_of(Json{{"overall", std::string(5000, 'x')}, {"panels", {"a", "b"}}}.dump()),
              HasSubstr("5000 bytes"));
}

TEST(ReadAnswer, LetsNoPieceLookLikeAMarker) {
  EXPECT_THAT(fault_of(R"({"overall": "x", "panels": ["[SCENE-1] a", "b"]})"),
              HasSubstr("square brackets"));
  EXPECT_THAT(
      fault_of(R"({"overall": "[LEFT] x", "panels": ["a", "b"]})", expected(2, Dialect::sides)),
      HasSubstr("square brackets"));
  EXPECT_THAT(fault_of(R"({"overall": "[MUGS] x", "panels": ["a", "b"]})"),
              HasSubstr("square brackets"));
}

TEST(ReadAnswer, AsksASetOfOnePanelForItsTextAlone) {
  const Answer answer = read_answer(R"({"overall": "a mug"})", expected(1));
  ASSERT_TRUE(answer.caption.has_value()) << answer.fault;
  EXPECT_EQ(*answer.caption, (JointCaption{"", "a mug", {}}));
}

TEST(ReadCompletion, ReadsTextAndPartsAndNamesRefusals) {
  EXPECT_EQ(read_completion(body_with({{"content", kMugsJson}}), expected()).caption, kMugs);
  const Json parts = {{{"type", "text"}, {"text", kMugsJson}}, {{"type", "other"}}};
  EXPECT_EQ(read_completion(body_with({{"content", parts}}), expected()).caption, kMugs);
  const auto fault = [](const std::string& body) {
    return read_completion(body, expected()).fault;
  };
  EXPECT_THAT(fault(body_with({{"content", nullptr}, {"refusal", "I must not"}})),
              HasSubstr("refuses: I must not"));
  EXPECT_THAT(fault(body_with({{"content", "{\"overall\": \"two"}}, "length")),
              HasSubstr("cut off"));
  EXPECT_THAT(fault(body_with({{"content", ""}})), HasSubstr("is empty"));
  EXPECT_THAT(fault(""), HasSubstr("no chat completion: it is empty"));
  EXPECT_THAT(fault("<html>hello</html>"), HasSubstr("begins '<html>hello"));
  EXPECT_THAT(fault("[]"), HasSubstr("no chat completion"));
  EXPECT_THAT(fault(R"({"choices": []})"), HasSubstr("no chat completion"));
  EXPECT_THAT(fault(R"({"choices": [{"message": 3}]})"), HasSubstr("no chat completion"));
}

TEST(ErrorMessage, KnowsTheUsualForms) {
  EXPECT_EQ(error_message(R"({"error": {"message": "no such model.", "code": 404}})"),
            "no such model");
  EXPECT_EQ(error_message(R"({"error": "busy"})"), "busy");
  EXPECT_EQ(error_message(R"({"message": "two\nlines"})"), "two lines");
  EXPECT_EQ(error_message(R"({"detail": [{"loc": 1}]})"), R"([{"loc":1}])");
  EXPECT_EQ(error_message("oops"), "it begins 'oops'");
}

}  // namespace
}  // namespace iclora::captions
