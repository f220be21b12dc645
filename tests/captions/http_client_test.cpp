// The HTTP helper against a server on this machine.

#include "captions/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "captions/http_frame.h"
#include "core/error.h"
#include "core/progress.h"
#include "vision_server.h"

namespace iclora::captions {
namespace {

using testing::HasSubstr;
using testing_support::ServerReply;
using testing_support::ServerRequest;
using testing_support::VisionServer;
using Outcome = HttpReply::Outcome;

std::filesystem::path helper() {
  return std::filesystem::path(ICLORA_PROGRAM).parent_path().parent_path() / "libexec/iclora-http";
}

HttpRequest request_to(const VisionServer& server) {
  HttpRequest request;
  request.url = server.base() + "/chat/completions";
  request.body = R"({"a": 1})";
  request.direct = true;
  return request;
}

HttpReply post(const HttpRequest& request) {
  return HttpClient(helper()).post(request, [] { return false; });
}

/// What comes of one answer.
HttpReply reply_to(const ServerReply& answer) {
  const VisionServer server([&](const ServerRequest&, size_t) { return answer; });
  return post(request_to(server));
}

TEST(HttpClient, PostsTheBodyAndTheKeyAndGivesTheAnswer) {
  const VisionServer server([](const ServerRequest&, size_t) {
    return ServerReply{200, std::string("an\0swer", 7), {}};
  });
  HttpRequest request = request_to(server);
  request.key = "sk-1";
  request.body = std::string(3'000'000, 'x');  // more than any pipe holds
  const HttpReply reply = post(request);
  EXPECT_EQ(reply.outcome, Outcome::answered) << reply.error;
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, std::string("an\0swer", 7));
  ASSERT_EQ(server.count(), 1U);
  const ServerRequest seen = server.request(0);
  EXPECT_EQ(seen.body, request.body);
  EXPECT_THAT(seen.head, HasSubstr("POST /v1/chat/completions HTTP/1.1"));
  EXPECT_THAT(seen.head, HasSubstr("authorization: Bearer sk-1\r\n"));
  EXPECT_THAT(seen.head, HasSubstr("content-type: application/json\r\n"));
}

TEST(HttpClient, SendsNoKeyWhereThereIsNone) {
  const VisionServer server([](const ServerRequest&, size_t) { return ServerReply{200, "", {}}; });
  post(request_to(server));
  EXPECT_EQ(server.request(0).head.find("authorization"), std::string::npos);
}

TEST(HttpClient, FollowsNoRedirect) {
  const VisionServer elsewhere([](const ServerRequest&, size_t) { return ServerReply{}; });
  const HttpReply reply = reply_to({307, "", {"Location: " + elsewhere.base()}});
  EXPECT_EQ(reply.outcome, Outcome::answered);
  EXPECT_EQ(reply.status, 307);
  EXPECT_EQ(reply.redirect, elsewhere.base());
  EXPECT_EQ(elsewhere.count(), 0U);
}

TEST(HttpClient, ReadsHowLongToWaitAsSecondsAndAsADate) {
  EXPECT_EQ(reply_to({429, "", {"Retry-After: 17"}}).retry_after, 17);
  EXPECT_EQ(reply_to({429, "", {}}).retry_after, 0);
  EXPECT_EQ(reply_to({429, "", {"Retry-After: soon"}}).retry_after, 0);
  EXPECT_EQ(reply_to({429, "", {"Retry-After: Fri, 31 Dec 1999 23:59:59 GMT"}}).retry_after, 0);
  EXPECT_GT(reply_to({503, "", {"Retry-After: Fri, 31 Dec 2999 23:59:59 GMT"}}).retry_after, 3600);
}

TEST(HttpClient, TellsTroublesApart) {
  EXPECT_EQ(reply_to({200, "", {}, true}).outcome, Outcome::broken);
  EXPECT_EQ(reply_to({200, "", {"Content-Length: 99"}}).outcome, Outcome::broken);
  HttpRequest nobody;
  nobody.direct = true;
  {
    const VisionServer gone([](const ServerRequest&, size_t) { return ServerReply{}; });
    nobody.url = gone.base();
  }
  const HttpReply reply = post(nobody);
  EXPECT_EQ(reply.outcome, Outcome::unreachable);
  EXPECT_NE(reply.error, "");
}

TEST(HttpClient, TakesNoMoreThanItsLimit) {
  const VisionServer server([](const ServerRequest&, size_t) {
    return ServerReply{200, std::string(1'000'000, 'x'), {}};
  });
  HttpRequest request = request_to(server);
  request.limit = 999'999;
  EXPECT_EQ(post(request).outcome, Outcome::too_large);
  request.limit = 1'000'000;
  EXPECT_EQ(post(request).outcome, Outcome::answered);
}

TEST(HttpClient, DoesNotWaitForEver) {
  const VisionServer server([](const ServerRequest&, size_t) {
    ServerReply reply;
    reply.hold = true;
    return reply;
  });
  HttpRequest request = request_to(server);
  request.timeout = std::chrono::milliseconds(300);
  EXPECT_EQ(post(request).outcome, Outcome::timed_out);
  request.timeout = std::chrono::milliseconds(600000);
  EXPECT_THROW(HttpClient(helper()).post(request, [&] { return server.count() == 2; }), Cancelled);
}

TEST(HttpClient, SpeaksHttpAlone) {
  HttpRequest request;
  request.url = "file:///etc/hostname";
  const HttpReply reply = post(request);
  EXPECT_EQ(reply.outcome, Outcome::failed);
  EXPECT_EQ(reply.body, "");
}

TEST(HttpClient, NamesAHelperThatIsMissingOrDoesNotWork) {
  const auto refusal = [](const std::string& program) -> std::string {
    try {
      HttpClient(program).post({}, [] { return false; });
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(refusal("/nowhere/iclora-http"), HasSubstr("is missing"));
  EXPECT_THAT(refusal("/etc/hostname"), HasSubstr("cannot be run"));
  EXPECT_THAT(refusal("/bin/false"), HasSubstr("ended with 1"));
}

TEST(HttpFrame, RefusesWhatIsCutOrNotOfItsKind) {
  const Fields fields = {{"a", "1"}, {"body", std::string("x\n\0y", 4)}, {"empty", ""}};
  const std::string text = pack(fields);
  EXPECT_EQ(unpack(text), fields);
  for (size_t cut = 1; cut < text.size(); ++cut) {
    const auto part = unpack(text.substr(0, cut));
    EXPECT_TRUE(!part || part->size() < fields.size()) << cut;
  }
  for (const char* wrong : {"a", "a\n", "a x\n", " 1\nx", "a -1\n", "a 99999999999999999999\n"}) {
    EXPECT_FALSE(unpack(wrong).has_value()) << wrong;
  }
}

}  // namespace
}  // namespace iclora::captions
