#include "core/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "refusal.h"

namespace iclora {
namespace {

using testing_support::refusal_of;

std::string message_of(const std::string& text) {
  return refusal_of([&] { parse_json(text, "x.json"); });
}

TEST(ParseJson, RefusesDuplicateKeysAtEveryDepthByName) {
  EXPECT_THAT(message_of(R"({"a":1,"a":2})"), testing::HasSubstr("'a' stands twice"));
  EXPECT_THAT(message_of(R"({"x":[{"b":{"c":1,"c":1}}]})"), testing::HasSubstr("'c' stands twice"));
  EXPECT_EQ(message_of(R"({"a":{"k":1},"b":{"k":1}})"), "accepted");
}

TEST(ParseJson, RefusesTrailingTextBadUtf8AndDepth) {
  EXPECT_THAT(message_of("{} {}"), testing::HasSubstr("not valid JSON"));
  EXPECT_THAT(message_of("{\"a\":\"\xff\"}"), testing::HasSubstr("not valid JSON"));
  EXPECT_THAT(message_of(std::string("{}\0x", 4)), testing::HasSubstr("zero byte"));
  EXPECT_THAT(message_of(std::string(100000, '[')), testing::HasSubstr("nested deeper"));
}

TEST(ParseJson, RefusesMoreKeysThanAnyFileHas) {
  std::string text = "{";
  for (int i = 0; i < 200'000; ++i) text += "\"" + std::to_string(i) + "\":0,";
  text.back() = '}';
  EXPECT_THAT(message_of(text), testing::HasSubstr("more than 32768 keys"));
}

TEST(JsonMembers, IntegersAreCheckedAgainstTypeAndRange) {
  const Json object =
      parse_json(R"({"n":-5,"f":1.5,"big":18446744073709551615,"huge":1e30})", "c.json");
  EXPECT_EQ(json_integer(object, "n", "c.json", -5, 5), -5);
  EXPECT_THROW(json_integer(object, "n", "c.json", 0, 5), Error);
  EXPECT_THROW(json_integer(object, "f", "c.json", 0, 5), Error);
  EXPECT_THROW(json_integer(object, "big", "c.json", 0, INT64_MAX), Error);
  EXPECT_THROW(json_integer(object, "huge", "c.json", 0, INT64_MAX), Error);
  EXPECT_THROW(json_integer(object, "missing", "c.json", 0, 5), Error);
  EXPECT_EQ(json_integer_or(object, "missing", "c.json", 0, 5, 3), 3);
}

}  // namespace
}  // namespace iclora
