#include "captions/describer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "vision_server.h"

namespace iclora::captions {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

using Reply = HttpReply;

Reply answered(int status, const std::string& body, int64_t retry_after = 0) {
  Reply reply;
  reply.outcome = Reply::Outcome::answered;
  reply.status = status;
  reply.body = body;
  reply.retry_after = retry_after;
  return reply;
}

Reply good() {
  return answered(200, testing_support::completion(testing_support::caption_json(2, "mugs")).body);
}

Reply says(const std::string& content) {
  return answered(200, testing_support::completion(content).body);
}

Reply error(int status, const std::string& message, int64_t retry_after = 0) {
  return answered(status, testing_support::failure(status, message).body, retry_after);
}

Reply broken(Reply::Outcome outcome) {
  Reply reply;
  reply.outcome = outcome;
  reply.error = "the reason";
  return reply;
}

/// Answers in order, the last one again and again; remembers what was sent and waited.
struct Script {
  std::vector<Reply> replies;
  std::vector<Json> sent = {};
  std::vector<int64_t> waits = {};

  Description describe(const std::string& key = "") {
    Endpoint endpoint = parse_endpoint("http://127.0.0.1:1/v1", "vision");
    endpoint.key = key;
    Describer describer(
        endpoint, {},
        [this](const HttpRequest& request) {
          sent.push_back(parse_json(request.body, "a request"));
          return replies[std::min(sent.size(), replies.size()) - 1];
        },
        [this](milliseconds time) { waits.push_back(time.count()); });
    Question question;
    question.grid = {1, 2};
    question.panels = {{"image/jpeg", "a"}, {"image/jpeg", "b"}};
    question.canvas = {{"image/jpeg", "ab"}};
    return describer.describe(question, {2, Dialect::sides, 375});
  }

  std::string refusal(const std::string& key = "") {
    try {
      return "no error: " + describe(key).fault;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::input);
      return error.what();
    }
  }
};

TEST(Describer, GivesTheCaptionOfAGoodAnswer) {
  Script script{{good()}};
  const Description description = script.describe();
  ASSERT_TRUE(description.caption.has_value()) << description.fault;
  EXPECT_EQ(description.caption->panels.at(1), "mugs in panel 2");
  EXPECT_TRUE(script.waits.empty());
}

TEST(Describer, WaitsTwiceAsLongEachTimeAndGivesUp) {
  Script script{{error(503, "loading model")}};
  const Description description = script.describe();
  EXPECT_FALSE(description.caption.has_value());
  EXPECT_TRUE(description.no_answer);
  EXPECT_THAT(description.fault, HasSubstr("503: loading model"));
  EXPECT_THAT(script.waits, ElementsAre(2000, 4000, 8000, 16000, 32000));
}

TEST(Describer, TriesAgainAfterWhatMayPass) {
  for (const Reply& trouble : {error(500, "oops"), error(429, "slow down"), error(408, "late"),
                               broken(Reply::Outcome::broken), broken(Reply::Outcome::timed_out)}) {
    Script script{{trouble, good()}};
    EXPECT_TRUE(script.describe().caption.has_value());
    EXPECT_EQ(script.waits.size(), 1U);
  }
}

TEST(Describer, WaitsAsLongAsItIsAskedToWithinReason) {
  Script script{{error(429, "slow down", 30), good()}};
  EXPECT_TRUE(script.describe().caption.has_value());
  EXPECT_THAT(script.waits, ElementsAre(30000));
  Script shorter{{error(429, "slow down", 1), good()}};
  EXPECT_TRUE(shorter.describe().caption.has_value());
  EXPECT_THAT(shorter.waits, ElementsAre(2000));
  Script unreasonable{{error(429, "come back tomorrow", 86400), good()}};
  const Description description = unreasonable.describe();
  EXPECT_TRUE(description.no_answer);
  EXPECT_THAT(description.fault, HasSubstr("429: come back tomorrow"));
  EXPECT_TRUE(unreasonable.waits.empty());
}

TEST(Describer, SaysSoonThatNobodyListens) {
  Script script{{broken(Reply::Outcome::unreachable)}};
  EXPECT_THAT(script.refusal(), HasSubstr("cannot be reached: the reason"));
  EXPECT_EQ(script.waits.size(), 1U);
  Script later{{error(500, "restarting"), broken(Reply::Outcome::unreachable),
                broken(Reply::Outcome::unreachable), good()}};
  EXPECT_TRUE(later.describe().caption.has_value());
}

TEST(Describer, DoesWithoutWhatTheEndpointDoesNotKnow) {
  Script script{{error(400, "response_format is not supported"),
                 error(400, "unknown field max_tokens"), good()}};
  EXPECT_TRUE(script.describe().caption.has_value());
  ASSERT_EQ(script.sent.size(), 3U);
  EXPECT_TRUE(script.sent[0].contains("response_format"));
  EXPECT_FALSE(script.sent[1].contains("response_format"));
  EXPECT_FALSE(script.sent[2].contains("max_tokens"));
  EXPECT_TRUE(script.sent[2].contains("max_completion_tokens"));
  EXPECT_TRUE(script.waits.empty());
}

TEST(Describer, AsksAgainWithTheReasonAndAtMostThreeTimes) {
  Script script{{says("I see mugs."), says(testing_support::caption_json(3, "mugs")), good()}};
  EXPECT_TRUE(script.describe().caption.has_value());
  ASSERT_EQ(script.sent.size(), 3U);
  EXPECT_EQ(script.sent[2]["messages"].size(), 6U);
  EXPECT_THAT(script.sent[2]["messages"][5]["content"].get<std::string>(),
              HasSubstr("has 3 texts, but there are 2 panels"));
  Script hopeless{{says("I see mugs.")}};
  const Description description = hopeless.describe();
  EXPECT_FALSE(description.caption.has_value());
  EXPECT_FALSE(description.no_answer);
  EXPECT_EQ(hopeless.sent.size(), 3U);
  EXPECT_THAT(description.fault, HasSubstr("asked 3 times"));
}

TEST(Describer, EndsWhereNoSetCanBeDescribed) {
  EXPECT_THAT(Script{{error(401, "who are you")}}.refusal(), HasSubstr("ICLORA_API_KEY"));
  EXPECT_THAT(Script{{error(404, "no such model")}}.refusal(), HasSubstr("check --endpoint"));
  EXPECT_THAT(Script{{broken(Reply::Outcome::distrusted)}}.refusal(), HasSubstr("certificate"));
  Reply redirect = answered(307, "");
  redirect.redirect = "https://elsewhere/v1";
  EXPECT_THAT(Script{{redirect}}.refusal(), HasSubstr("points to 'https://elsewhere/v1'"));
}

TEST(Describer, NeverSaysTheKey) {
  const std::string key = "sk-secret-123";
  EXPECT_THAT(Script{{error(401, "bad key sk-secret-123")}}.refusal(key), Not(HasSubstr(key)));
  EXPECT_THAT(Script{{error(401, "a.b")}}.refusal("."), HasSubstr("a...b"));
  EXPECT_THAT(Script{{answered(200, "your key is sk-secret-123")}}.describe(key).fault,
              Not(HasSubstr(key)));
  Reply redirect = answered(302, "");
  redirect.redirect = "https://x/?key=" + key;
  EXPECT_THAT(Script{{redirect}}.refusal(key), Not(HasSubstr(key)));
}

TEST(Endpoint, IsTakenInItsUsualForms) {
  EXPECT_EQ(parse_endpoint("http://127.0.0.1:8080/v1/", "m").url(),
            "http://127.0.0.1:8080/v1/chat/completions");
  EXPECT_EQ(parse_endpoint("HTTPS://host/v1/chat/completions", "m").base, "https://host/v1");
  EXPECT_TRUE(parse_endpoint("http://localhost:1", "m").loopback);
  EXPECT_TRUE(parse_endpoint("http://[::1]:8080/v1", "m").loopback);
  EXPECT_FALSE(parse_endpoint("http://127.evil.example/v1", "m").loopback);
  for (const char* wrong :
       {"", "host/v1", "ftp://host/v1", "http://", "http:///v1", "http://a b/v1",
        "http://user:pass@host/v1", "https://host/v1?key=1", "file:///etc"}) {
    EXPECT_THROW(parse_endpoint(wrong, "m"), Error) << wrong;
  }
  try {
    parse_endpoint("https://user:hunter2@host/v1", "m");
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), Not(HasSubstr("hunter2")));
  }
}

TEST(Endpoint, TakesItsKeyFromTheEnvironmentAlone) {
  const auto with = [](const std::string& base, const std::string& name, const std::string& value,
                       Endpoint& endpoint) {
    endpoint = parse_endpoint(base, "m");
    return take_key(endpoint, [&](const std::string& asked) {
      return asked == name ? std::optional(value) : std::nullopt;
    });
  };
  Endpoint endpoint;
  EXPECT_EQ(with("https://host/v1", "OPENAI_API_KEY", "abc", endpoint), "");
  EXPECT_EQ(endpoint.key, "abc");
  EXPECT_EQ(with("http://host/v1", "ICLORA_API_KEY", "abc", endpoint), "");
  EXPECT_EQ(endpoint.key, "abc");
  EXPECT_THAT(with("http://host/v1", "OPENAI_API_KEY", "abc", endpoint),
              HasSubstr("not encrypted"));
  EXPECT_EQ(endpoint.key, "");
  EXPECT_EQ(with("https://host/v1", "OTHER", "abc", endpoint), "");
  EXPECT_EQ(endpoint.key, "");
  try {
    with("https://host/v1", "ICLORA_API_KEY", "abc\r\nX-Evil: 1", endpoint);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), Not(HasSubstr("abc")));
  }
}

}  // namespace
}  // namespace iclora::captions
