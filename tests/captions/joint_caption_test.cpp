#include "captions/joint_caption.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/philox.h"

namespace iclora::captions {
namespace {

TEST(Render, WritesTriggerOverallAndPartsWithSingleSpaces) {
  EXPECT_EQ(
      render({"[MOVIE-SHOTS]", " a  fox's day ", {"sleeps", "", "runs\n home"}}, Dialect::scene),
      "[MOVIE-SHOTS] a fox's day [SCENE-1] sleeps [SCENE-2] [SCENE-3] runs home");
  EXPECT_EQ(render({"", "two mugs", {"red", "blue"}}, Dialect::sides),
            "two mugs [LEFT] red [RIGHT] blue");
  EXPECT_EQ(render({"", "a", {"b", "c"}}, Dialect::image), "a [IMAGE1] b [IMAGE2] c");
  // One panel is an ordinary text-to-image prompt.
  EXPECT_EQ(render({"tok", "a fox", {"in a wood"}}, Dialect::scene), "tok a fox in a wood");
  EXPECT_EQ(render({"", "", {}}, Dialect::scene), "");
}

TEST(Markers, FollowTheGridWhereNoDialectIsNamed) {
  const auto first = [](int64_t rows, int64_t columns) {
    return markers(default_dialect({rows, columns}), rows * columns)[0];
  };
  EXPECT_EQ(first(1, 2), "[LEFT]");
  EXPECT_EQ(first(2, 1), "[TOP]");
  EXPECT_EQ(first(2, 2), "[TOP-LEFT]");
  EXPECT_EQ(first(3, 1), "[SCENE-1]");
  EXPECT_EQ(first(1, 4), "[SCENE-1]");
  EXPECT_THROW(markers(Dialect::sides, 3), Error);
  EXPECT_THROW(markers(Dialect::scene, 0), Error);
}

TEST(Parse, TellsDialectAndGridFromTheMarkers) {
  const auto grid = [](const char* text) { return parse(text).grid; };
  EXPECT_EQ(grid("x [LEFT] a [RIGHT] b"), (GridSize{1, 2}));
  EXPECT_EQ(grid("x [TOP] a [BOTTOM] b"), (GridSize{2, 1}));
  EXPECT_EQ(grid("[TOP-LEFT] a [TOP-RIGHT] b [BOTTOM-LEFT] c [BOTTOM-RIGHT] d"), (GridSize{2, 2}));
  EXPECT_EQ(grid("[SCENE-1] a [SCENE-2] b [SCENE-3] c"), (GridSize{3, 1}));
  EXPECT_EQ(grid("[IMAGE1] a [IMAGE2] b"), (GridSize{2, 1}));
  EXPECT_EQ(grid("[PANEL-1] a [PANEL-2] b"), (GridSize{2, 1}));
  EXPECT_FALSE(parse("just a fox [SCENE-1] alone").dialect.has_value());
  EXPECT_FALSE(parse("a [RIGHT] turn").dialect.has_value());
  EXPECT_FALSE(parse("[RIGHT] b [LEFT] a").dialect.has_value());
}

TEST(Parse, ReadsTheAuthorsForm) {
  const Parsed parsed = parse(
      "[MOVIE-SHOTS] In a whirlwind of emotion, <Anna> grows: [SCENE-1] she waits, [SCENE-2] she "
      "runs, [SCENE-3] and she laughs.");
  EXPECT_EQ(parsed.dialect, Dialect::scene);
  EXPECT_EQ(parsed.caption.trigger, "[MOVIE-SHOTS]");
  EXPECT_EQ(parsed.caption.overall, "In a whirlwind of emotion, <Anna> grows:");
  EXPECT_EQ(parsed.caption.panels,
            (std::vector<std::string>{"she waits,", "she runs,", "and she laughs."}));
}

// The markers and triggers of the ten adapters that the paper's authors published.
TEST(Parse, ReadsTheDialectsOfThePublishedAdapters) {
  const auto read = [](const char* text) { return parse(text); };
  const Parsed font = read(
      "The four-panel image shows one font. [TOP-LEFT] a mug [TOP-RIGHT] a poster [BOTTOM-LEFT] a "
      "sign [BOTTOM-RIGHT] a bag");
  EXPECT_EQ(font.dialect, Dialect::corners);
  EXPECT_EQ(font.caption.panels[3], "a bag");
  const Parsed slides = read(
      "[FOUR-PANEL] Slides. [TOP-LEFT] a [TOP-RIGHT] b [BOTTOM-LEFT] c "
      "[BOTTOM-RIGHT] d");
  EXPECT_EQ(slides.caption.trigger, "[FOUR-PANEL]");
  EXPECT_EQ(slides.grid, (GridSize{2, 2}));
  const Parsed sand = read(
      "[SANDSTORM-PSA] A two-part image. [TOP] a cyclist [BOTTOM] the same, "
      "in sand");
  EXPECT_EQ(sand.caption.trigger, "[SANDSTORM-PSA]");
  EXPECT_EQ(sand.grid, (GridSize{2, 1}));
  const Parsed sparklers = read("[REAL-SPARKLERS-OVERLAYS] Two images. [TOP] plain [BOTTOM] lit");
  EXPECT_EQ(sparklers.caption.trigger, "[REAL-SPARKLERS-OVERLAYS]");
  const Parsed couple = read("A couple. [LEFT] him [RIGHT] her");
  EXPECT_EQ(couple.grid, (GridSize{1, 2}));
  EXPECT_EQ(read("Try-on. [IMAGE1] a shirt [IMAGE2] worn").dialect, Dialect::image);
}

TEST(Parse, UndoesRenderForEveryDialectAndCount) {
  const std::vector<std::string> words = {"fox",   "<Anna>", "walks,",  "in",  "the",
                                          "naïve", "[x]",    "SCENE-1", "50%", "雨"};
  const Random random(3, Stream::order);
  uint64_t draw = 0;
  const auto text = [&](uint64_t least) {
    std::string out;
    for (uint64_t n = least + random.bits(draw++) % 5; n > 0; --n) {
      out += (out.empty() ? "" : " ") + words[random.bits(draw++) % words.size()];
    }
    return out;
  };
  for (int trial = 0; trial < 300; ++trial) {
    for (const Dialect dialect : {Dialect::scene, Dialect::image, Dialect::panel, Dialect::sides,
                                  Dialect::halves, Dialect::corners}) {
      const size_t count = dialect == Dialect::corners ? 4
                           : dialect >= Dialect::sides ? 2
                                                       : 2 + random.bits(draw++) % 11;
      JointCaption caption{random.bits(draw++) % 2 == 0 ? "[SOME-TAG]" : "", text(1), {}};
      for (size_t i = 0; i < count; ++i) caption.panels.push_back(text(0));
      const Parsed parsed = parse(render(caption, dialect));
      EXPECT_EQ(parsed.caption, caption) << render(caption, dialect);
      EXPECT_EQ(parsed.dialect, dialect);
    }
  }
}

/// Text of any code points but white space, brackets included, in words.
std::string any_text(const Random& random, uint64_t& draw) {
  static const std::vector<std::string> kPieces = {"[LEFT]",
                                                   "[SCENE-1]",
                                                   "[IMAGE2]",
                                                   "[TOP-RIGHT]",
                                                   "[PANEL-3]",
                                                   "[BOTTOM]",
                                                   "[A-TAG]",
                                                   "<Anna>",
                                                   "[",
                                                   "]",
                                                   "fox,",
                                                   "\xE9\x9B\xA8",
                                                   "na\xC3\xAFve",
                                                   "\xF0\x9F\xA6\x8A",
                                                   "\\n\"",
                                                   "50%",
                                                   "\x01",
                                                   "[SCENE-",
                                                   "-1]",
                                                   "{}"};
  std::string out;
  for (uint64_t n = random.bits(draw++) % 7; n > 0; --n) {
    out += (out.empty() ? "" : " ") + kPieces[random.bits(draw++) % kPieces.size()];
  }
  return out;
}

// Any number of panels, any text: what was rendered comes back, as long as the pieces hold no
// marker of the dialect itself.
TEST(ParseAs, UndoesRenderForAnyPieces) {
  const Random random(5, Stream::order);
  uint64_t draw = 0;
  int tried = 0;
  for (int trial = 0; trial < 4000; ++trial) {
    const auto dialect = static_cast<Dialect>(random.bits(draw++) % 6);
    const size_t count = dialect == Dialect::corners  ? 4
                         : dialect == Dialect::sides  ? 2
                         : dialect == Dialect::halves ? 2
                                                      : 2 + random.bits(draw++) % 63;
    JointCaption caption{any_text(random, draw), any_text(random, draw), {}};
    for (size_t i = 0; i < count; ++i) caption.panels.push_back(any_text(random, draw));
    std::string pieces = caption.trigger + " " + caption.overall;
    for (const std::string& part : caption.panels) pieces += " " + part;
    const auto marks = markers(dialect, static_cast<int64_t>(count));
    const bool ambiguous = std::any_of(marks.begin(), marks.end(), [&](const std::string& mark) {
      return pieces.find(mark) != std::string::npos;
    });
    if (ambiguous) continue;
    ++tried;
    const std::string text = render(caption, dialect);
    EXPECT_EQ(parse_as(text, dialect, count, caption.trigger), caption) << text;
    // And rendering what was read gives the text again, to the byte.
    EXPECT_EQ(render(*parse_as(text, dialect, count, caption.trigger), dialect), text);
  }
  EXPECT_GT(tried, 1000);
}

TEST(PanelCaptions, AreJointCaptionsOfEachPanelAlone) {
  const JointCaption caption = {"[SHOTS]", " <Anna>  goes home:", {"she leaves,", "", "at home."}};
  EXPECT_THAT(
      panel_captions(caption, 3),
      testing::ElementsAre("[SHOTS] <Anna> goes home: she leaves,",
                           "[SHOTS] <Anna> goes home:", "[SHOTS] <Anna> goes home: at home."));
  EXPECT_THAT(panel_captions(parse("[LEFT] a mug [RIGHT] a cat").caption, 2),
              testing::ElementsAre("a mug", "a cat"));
  // Without parts every panel shows what is said of the set.
  EXPECT_THAT(panel_captions({"", "two mugs", {}}, 2),
              testing::ElementsAre("two mugs", "two mugs"));
  EXPECT_THROW(panel_captions(caption, 2), Error);
}

TEST(ParseAs, RefusesAnotherText) {
  EXPECT_FALSE(parse_as("a [LEFT] b", Dialect::sides, 2, ""));
  EXPECT_FALSE(parse_as("a [LEFT] b [RIGHT] c", Dialect::sides, 2, "[TAG]"));
  EXPECT_FALSE(parse_as("a [SCENE-1] b [SCENE-2] c", Dialect::scene, 3, ""));
  EXPECT_FALSE(parse_as("a b", Dialect::scene, 1, ""));
}

TEST(DialectNames, AreReadInAnyCaseAndListedWhenUnknown) {
  EXPECT_EQ(dialect_from_name("SCENE"), Dialect::scene);
  EXPECT_EQ(dialect_from_name(name_of(Dialect::corners)), Dialect::corners);
  EXPECT_EQ(dialect_from_name("[LEFT]"), Dialect::sides);
  EXPECT_EQ(dialect_from_name("top"), Dialect::halves);
  EXPECT_EQ(dialect_from_name("TOP-LEFT"), Dialect::corners);
  EXPECT_EQ(dialect_from_name("[IMAGE1]"), Dialect::image);
  try {
    dialect_from_name("verse");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("scene, image, panel, sides, halves, corners"));
  }
}

}  // namespace
}  // namespace iclora::captions
