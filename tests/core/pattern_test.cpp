#include "core/pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace iclora {
namespace {

using testing::HasSubstr;

const std::string kModule = "single_transformer_blocks.12.attn.to_q";

std::string refusal_of(const std::string& pattern) {
  try {
    const Pattern compiled(pattern);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Pattern, DescribesAWholeTextOrAPartOfIt) {
  const Pattern q(R"(single_transformer_blocks\.\d{1,2}\.attn\.(to_q|to_k))");
  EXPECT_TRUE(q.matches(kModule));
  EXPECT_FALSE(q.matches(kModule + "k"));
  EXPECT_TRUE(q.occurs_in("x " + kModule + " y"));
  EXPECT_FALSE(q.occurs_in("single_transformer_blocks.a.attn.to_q"));
  EXPECT_TRUE(Pattern("(?!transformer).*").matches(kModule));
  EXPECT_FALSE(Pattern("(?!single).*").matches(kModule));
  EXPECT_TRUE(Pattern("([a-z_]+\\.|\\d+\\.)+to_q").matches(kModule));
}

// Each takes ages where every way to cut the text is tried; here the test would not end.
TEST(Pattern, NoneTakesForEver) {
  for (const char* pattern : {".*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*x", "(.*)*x", "((.+)+)+x",
                              "(s|i|n|g|l|e|_|.*)*x", "(.?){300}x"}) {
    EXPECT_FALSE(Pattern(pattern).matches(kModule)) << pattern;
  }
}

TEST(Pattern, TooLargeOrWrongOnesAreRefused) {
  EXPECT_EQ(refusal_of(std::string(1000, 'a')), "accepted");
  EXPECT_EQ(refusal_of(std::string(100'000, 'a')), "it is longer than 1000 bytes");
  for (const char* pattern :
       {".{0,99999}", "((((a?){9}){99}){9}){99}", "a{99999999999999999999}"}) {
    EXPECT_THAT(refusal_of(pattern), HasSubstr("repeats too often")) << pattern;
  }
  for (const char* pattern : {"(", "[", "a{2,1}", "*", "\\", R"((a)\1)"}) {
    EXPECT_NE(refusal_of(pattern), "accepted") << pattern;
  }
}

}  // namespace
}  // namespace iclora
