#include "eval/captions.h"

#include <gtest/gtest.h>

#include <fstream>

#include "refusal.h"
#include "scratch.h"

namespace iclora::eval {
namespace {

using testing_support::refusal_of;
using testing_support::ScratchFolder;

const std::string kGood = R"({"id": "a", "caption": "two [LEFT] a cat [RIGHT] a dog", )"
                          R"("grid": "1x2", "panels": [{"subject": "cat", "style": "ink"}, )"
                          R"({"subject": "dog"}]})";

std::vector<HeldOutCaption> read(const std::string& text) {
  const Classifier classifier = open_classifier(ICLORA_FIXTURES "/eval/classifier.safetensors");
  const ScratchFolder scratch;
  std::ofstream(scratch / "c.jsonl") << text;
  return read_captions(scratch / "c.jsonl", classifier);
}

std::string refusal(const std::string& text) {
  return refusal_of([&] { read(text); });
}

std::string changed(const std::string& from, const std::string& to) {
  std::string text = kGood;
  text.replace(text.find(from), from.size(), to);
  return text;
}

TEST(HeldOutCaptions, AreReadLineByLine) {
  const auto captions = read(kGood + "\n\n" + changed("\"a\"", "\"b\"") + "\r\n");
  ASSERT_EQ(captions.size(), 2u);
  EXPECT_EQ(captions[1].id, "b");
  EXPECT_EQ(captions[0].grid, (panels::Grid{1, 2}));
  ASSERT_EQ(captions[0].panels.size(), 2u);
  EXPECT_EQ(captions[0].panels[0], (Expected{{1, 0}, {2, 1}}));
  EXPECT_EQ(captions[0].panels[1], (Expected{{1, 1}}));
}

TEST(HeldOutCaptions, AreRefusedWithLineAndReason) {
  EXPECT_NE(refusal(kGood + "\n" + kGood).find("line 2: the id 'a' stands there twice"),
            std::string::npos);
  EXPECT_NE(refusal(changed("\"subject\"", "\"subjekt\"")).find("Did you mean 'subject'?"),
            std::string::npos);
  EXPECT_NE(refusal(changed("\"cat\"", "\"cut\"")).find("Did you mean 'cat'?"), std::string::npos);
  EXPECT_NE(refusal(changed("1x2", "1x3")).find("3 panels"), std::string::npos);
  EXPECT_NE(refusal(changed("1x2", "nine")).find("nine"), std::string::npos);
  EXPECT_NE(refusal(changed("\"caption\"", "\"text\"")).find("unknown key 'text'"),
            std::string::npos);
  EXPECT_NE(refusal(changed("\"dog\"", "7")).find("subject"), std::string::npos);
  EXPECT_NE(refusal("{").find("line 1"), std::string::npos);
  EXPECT_NE(refusal("[]").find("JSON object"), std::string::npos);
  EXPECT_NE(refusal("\n \n").find("no caption"), std::string::npos);
}

}  // namespace
}  // namespace iclora::eval
