#include "captions/lint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "captions/lost_end.h"

namespace iclora::captions {
namespace {

std::string told(const std::vector<Fault>& faults) {
  std::string text;
  for (const Fault& fault : faults) {
    text += std::string(fault.severe ? "error: " : "warning: ") + fault.what + " " + fault.remedy +
            "\n";
  }
  return text;
}

std::vector<Fault> all_of(const char* text) {
  std::vector<Fault> faults = lint_markers(text);
  const Parsed parsed = parse(text);
  for (const Fault& fault : lint_pieces(parsed.caption, parsed.caption.panels.size())) {
    faults.push_back(fault);
  }
  for (const Fault& fault : lint_names(parsed.caption)) faults.push_back(fault);
  return faults;
}

TEST(Lint, FindsNothingInGoodCaptions) {
  for (const char* text : {
           "[MOVIE-SHOTS] In a whirlwind of emotion, <Anna> grows: [SCENE-1] <Anna> waits, "
           "[SCENE-2] she runs, [SCENE-3] and <Anna> laughs.",
           "[MOVIE-SHOTS] A day [SCENE-1] <Leo>, a boy, wakes [SCENE-2] <Leo> meets <Mia>, whose "
           "[SCENE-3] hat <Leo> likes.",
           "A couple. [LEFT] him [RIGHT] her, left and right, top to bottom",
           "[SANDSTORM-PSA] Two. [TOP] a cyclist [BOTTOM] the same, in sand",
           "[FOUR-PANEL] One font. [TOP-LEFT] a [TOP-RIGHT] b [BOTTOM-LEFT] c [BOTTOM-RIGHT] d",
           "Try-on. [IMAGE1] a shirt, 2 < 3 and a -> b [IMAGE2] worn",
           "Comic [PANEL-1] a [PANEL-2] b [PANEL-3] c [PANEL-4] d [PANEL-5] e [PANEL-6] f "
           "[PANEL-7] g [PANEL-8] h [PANEL-9] i [PANEL-10] j",
           "an ordinary picture of a [sic] fox",
           "",
       }) {
    EXPECT_EQ(told(all_of(text)), "") << text;
  }
}

struct Case {
  const char* text;
  const char* part;
};

TEST(Lint, FindsWhatIsWrongWithMarkers) {
  for (const Case& c : std::vector<Case>{
           {"x [SCENE-1] a [SCENE-3] c", "error: The marker [SCENE-2] is missing."},
           {"x [SCENE-2] a [SCENE-3] c", "error: The marker [SCENE-1] is missing."},
           {"x [SCENE-1] a", "error: The marker [SCENE-2] is missing."},
           {"x [SCENE-0] a [SCENE-1] b [SCENE-2] c", "error: The marker [SCENE-0] cannot be"},
           {"x [SCENE-1] a [SCENE-3] b [SCENE-2] c",
            "error: The marker [SCENE-2] stands after "
            "[SCENE-3]."},
           {"x [SCENE-1] a [SCENE-1] b [SCENE-2] c", "error: The marker [SCENE-1] stands 2 times."},
           {"x [SCENE-1] a [SCENE-2] b [SCENE-6] c",
            "error: The markers [SCENE-3], [SCENE-4] and [SCENE-5] are missing."},
           {"x [LEFT] a", "error: The marker [RIGHT] is missing."},
           {"x [BOTTOM] a [TOP] b", "error: The marker [TOP] stands after [BOTTOM]."},
           {"x [TOP-LEFT] a [TOP-RIGHT] b [BOTTOM-LEFT] c",
            "error: The marker [BOTTOM-RIGHT] is missing."},
           {"x [scene-1] a [scene-2] b",
            "error: '[scene-1]' is not how a marker is written. Write "
            "[SCENE-1]."},
           {"x [SCENE 1] a [SCENE 2] b", "Write [SCENE-2]."},
           {"x [SCENE1] a [SCENE2] b", "Write [SCENE-1]."},
           {"x [IMAGE-1] a [IMAGE-2] b", "Write [IMAGE1]."},
           {"x [PANEL_1] a [PANEL_2] b", "Write [PANEL-1]."},
           {"x [Left] a [Right] b", "Write [LEFT]."},
           {"x [TOP LEFT] a [TOP-RIGHT] b [BOTTOM-LEFT] c [BOTTOM-RIGHT] d", "Write [TOP-LEFT]."},
           {"x [SCENE-1 a [SCENE-2] b", "error: '[SCENE-1' is not how a marker is written."},
           {"x [SCENE-1] a [IMAGE1] b [SCENE-2] c [IMAGE2] d",
            "warning: Markers of two dialects stand side by side: [IMAGE1] and [IMAGE2] beside "
            "[SCENE-1]."},
       }) {
    EXPECT_THAT(told(lint_markers(c.text)), testing::HasSubstr(c.part)) << c.text;
  }
  // Prose beside a full set of markers is not an error.
  EXPECT_THAT(told(lint_markers("x [SCENE-1] to his [left] a [SCENE-2] b")),
              testing::StartsWith("warning: '[left]'"));
  // A slip in a number is one fault, not a thousand.
  EXPECT_LT(told(lint_markers("x [SCENE-1] a [SCENE-2000] b")).size(), 400U);
}

TEST(Lint, FindsEmptyPieces) {
  EXPECT_THAT(told(lint_pieces({"", "", {"a", "b"}}, 2)), testing::HasSubstr("no overall text"));
  EXPECT_THAT(told(lint_pieces({"", "x", {"a", ""}}, 2)),
              testing::HasSubstr("The part of panel 2 is empty."));
  EXPECT_THAT(told(lint_pieces({"", "x", {}}, 2)), testing::HasSubstr("has no markers"));
  EXPECT_EQ(told(lint_pieces({"", "", {"a"}}, 1)), "");
}

TEST(Lint, FindsMarkersInsidePieces) {
  EXPECT_THAT(told(lint_inner_markers({"", "x", {"a [SCENE-2] b", "c"}})),
              testing::HasSubstr("error: The part of panel 1 holds the marker [SCENE-2]."));
  EXPECT_THAT(told(lint_inner_markers({"", "x [LEFT]", {"a", "c"}})),
              testing::HasSubstr("error: The overall text holds the marker [LEFT]."));
  EXPECT_THAT(told(lint_inner_markers({"", "x", {"a", "see [scene 1]"}})),
              testing::HasSubstr("warning: The part of panel 2 holds '[scene 1]'"));
  EXPECT_EQ(told(lint_inner_markers({"", "x", {"a [mug]", "[2024] b"}})), "");
  EXPECT_EQ(told(lint_inner_markers({"", "x [LEFT] a [RIGHT] b", {}})), "");
}

TEST(Lint, FindsNamesThatDoNotBind) {
  for (const Case& c : std::vector<Case>{
           {"x [LEFT] <Anna> a [RIGHT] <anna> b",
            "The names <Anna> and <anna> are nearly the same."},
           {"x [LEFT] <Elena> a [RIGHT] <Elana> b", "<Elena> and <Elana>"},
           {"x [LEFT] <Anna> a [RIGHT] Anna sits",
            "The name <Anna> stands without its brackets in "
            "panel 2."},
           {"<Anna> and more [LEFT] <Anna> a [RIGHT] <Bob> b", "introduces only <Anna>"},
           {"x [LEFT] <Anna a [RIGHT] b", "a name that is not closed: '<Anna a'"},
           {"x [LEFT] Anna> a [RIGHT] b", "a '>' without its '<'"},
       }) {
    EXPECT_THAT(told(lint_names(parse(c.text).caption)), testing::HasSubstr(c.part)) << c.text;
  }
  // Two people, of whom each panel shows one; a name inside a longer word; short names.
  EXPECT_EQ(told(lint_names({"", "", {"<Anna> reads", "<Bob> in Annapolis", "<Ann> <Ben>"}})), "");
}

TEST(Lint, MeasuresTheLengthInTokens) {
  const auto words = [](std::string_view text) {
    return 1 + std::count(text.begin(), text.end(), ' ');
  };
  EXPECT_TRUE(lint_length("a b c", 3, words).empty());
  EXPECT_THAT(told(lint_length("a b c d", 3, words)),
              testing::HasSubstr("has 4 tokens, but the text encoder reads 3; its end is lost"));
}

TEST(LostEnd, NamesThePanelsWhosePartsAreNotRead) {
  // A word is a token, and so is the end mark.
  const auto lost = [](const std::string& text, int64_t limit) {
    return lost_end(text, limit, [](std::string_view piece) {
      const std::string words = squeeze(piece);
      return words.empty() ? 1 : 2 + std::count(words.begin(), words.end(), ' ');
    });
  };
  const std::string joint = "[TAG] all of it [SCENE-1] one two [SCENE-2] three four [SCENE-3] five";
  EXPECT_EQ(lost(joint, 13), "");
  EXPECT_EQ(lost(joint, 12), "the part of panel 3 is lost");  // its marker says nothing
  EXPECT_EQ(lost(joint, 11), "the part of panel 3 is lost");
  EXPECT_EQ(lost(joint, 10), "the part of panel 2 is cut short and that of panel 3 is lost");
  EXPECT_EQ(lost(joint, 9), "the parts of panels 2 and 3 are lost");
  EXPECT_EQ(lost(joint, 7),
            "the part of panel 1 is cut short and those of panels 2 and 3 are lost");
  EXPECT_EQ(lost(joint, 3), "the parts of panels 1 to 3 are lost");
  EXPECT_EQ(lost(joint + " six", 13), "the part of panel 3 is cut short");
  EXPECT_EQ(lost("no markers at all", 3), "its end is lost");
}

}  // namespace
}  // namespace iclora::captions
