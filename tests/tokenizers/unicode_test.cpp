#include "tokenizers/unicode.h"

#include <gtest/gtest.h>

#include <string>

namespace iclora::tokenizers {
namespace {

std::string text_of(const std::vector<char32_t>& points) {
  return encode_utf8(points);
}

TEST(Nfc, OrdersMarksAndComposesThem) {
  // Dot below (class 220) comes before acute (230), whatever was typed first.
  EXPECT_EQ(nfc(text_of({'a', 0x301, 0x323})), text_of({0x1EA1, 0x301}));
  EXPECT_EQ(nfc(text_of({'a', 0x323, 0x301})), text_of({0x1EA1, 0x301}));
  // Marks of one class keep their order: only the first can compose.
  EXPECT_EQ(nfc(text_of({'a', 0x301, 0x300})), text_of({0xE1, 0x300}));
  EXPECT_EQ(nfc(text_of({'a', 0x300, 0x301})), text_of({0xE0, 0x301}));
  // A mark that is made of two, and marks with no letter before them.
  EXPECT_EQ(nfc(text_of({'u', 0x323, 0x344})), text_of({0x1EE5, 0x308, 0x301}));
  EXPECT_EQ(nfc(text_of({0x301, 0x323, 'a'})), text_of({0x323, 0x301, 'a'}));
  EXPECT_EQ(nfc("plain text"), "plain text");
}

// A quadratic sort of so many would take minutes.
TEST(Nfc, TakesLongRunsOfMarks) {
  std::string given = "a";
  std::string below;
  std::string above;
  for (int i = 0; i < 200000; ++i) {
    given += text_of({0x301, 0x323});
    if (i > 0) below += text_of({0x323});
    above += text_of({0x301});
  }
  EXPECT_TRUE(nfc(given) == text_of({0x1EA1}) + below + above);
}

}  // namespace
}  // namespace iclora::tokenizers
