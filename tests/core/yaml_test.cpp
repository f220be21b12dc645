#include "core/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "refusal.h"

namespace iclora {
namespace {

using testing::HasSubstr;
using testing_support::refusal_of;

std::string message_of(const std::string& text) {
  return refusal_of([&] { parse_yaml(text, "c.yaml"); });
}

TEST(ParseYaml, GivesTheValuesOfTheirKinds) {
  const Json json = parse_yaml(
      "a: 1\nb: 1e-4\nc: text\nd: '12'\ne: true\nf:\ng: [1, x]\nh: {i: -3}\nj: \"\"\n", "c.yaml");
  EXPECT_EQ(json, parse_json(R"({"a":1,"b":0.0001,"c":"text","d":"12","e":true,"f":null,
                                 "g":[1,"x"],"h":{"i":-3},"j":""})",
                             "x"));
}

TEST(ParseYaml, RefusesWhatIsAmbiguousOrHostile) {
  EXPECT_THAT(message_of("a: 1\nb: 2\na: 3\n"), HasSubstr("line 3: the key 'a' stands twice"));
  EXPECT_THAT(message_of("x: {k: 1, k: 2}"), HasSubstr("'k' stands twice"));
  EXPECT_THAT(message_of("a: [1, 2"), HasSubstr("not valid YAML"));
  EXPECT_THAT(message_of("a: 1\n---\nb: 2\n"), HasSubstr("one YAML document"));
  EXPECT_THAT(message_of("? [a]\n: 1\n"), HasSubstr("plain text"));
  std::string laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 9; ++i) {
    laughs +=
        fmt::format("a{0}: &a{0} [*a{1},*a{1},*a{1},*a{1},*a{1},*a{1},*a{1},*a{1}]\n", i, i - 1);
  }
  EXPECT_THAT(message_of(laughs), HasSubstr("too large"));
}

}  // namespace
}  // namespace iclora
