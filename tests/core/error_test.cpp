#include "core/error.h"

#include <gtest/gtest.h>

#include "core/nearest.h"

namespace iclora {
namespace {

TEST(Error, MessageIsOneLineAndKindIsExitCode) {
  const Error error(ErrorKind::output, "a\nb\rc");
  EXPECT_STREQ(error.what(), "a b c");
  EXPECT_EQ(error.exit_code(), 6);
}

TEST(Printable, EscapesControlCharactersAndBadUtf8AndCuts) {
  EXPECT_EQ(printable("a\nb\t\x1b[31m"), "a\\nb\\t\\x1b[31m");
  EXPECT_EQ(printable("\xff\xc0\xaf"), "\\xff\\xc0\\xaf");
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
  EXPECT_EQ(printable("Blåbær 🫐"), "Blåbær 🫐");
  EXPECT_EQ(printable("abcdef", 3), "abc…");
}

TEST(Nearest, FindsTheTypoAndNothingForAStranger) {
  const std::vector<std::string> known = {"learning_rate", "weight_decay", "steps"};
  EXPECT_EQ(nearest("learnin_rate", known), "learning_rate");
  EXPECT_EQ(nearest("step", known), "steps");
  EXPECT_EQ(nearest("banana", known), std::nullopt);
}

}  // namespace
}  // namespace iclora
