#include "dataset/sheet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_set.h"
#include "dataset/load.h"
#include "dataset/read_sets.h"
#include "dataset/text_drawing.h"
#include "image/resize.h"

namespace iclora::dataset {
namespace {

using testing_support::ScratchFolder;

image::Image paper(int64_t width, int64_t height) {
  image::Image picture(width, height);
  std::fill(picture.rgb.begin(), picture.rgb.end(), uint8_t{255});
  return picture;
}

int64_t ink(const image::Image& picture) {
  int64_t dark = 0;
  for (const uint8_t value : picture.rgb) dark += 255 - value;
  return dark;
}

TEST(TextPen, DrawsEachCharacterAnew) {
  TextPen pen(16);
  std::vector<image::Image> drawn;
  for (const char* text : {"a", "b", "ä", "ж", "Ω", "雨", "狐", "\xF0\x9F\xA6\x8A", "\xFF", "<"}) {
    image::Image picture = paper(60, 30);
    const int64_t end = pen.draw(picture, 5, 3, text, {0, 0, 0});
    EXPECT_EQ(end, 5 + pen.width_of(text)) << text;
    EXPECT_GT(ink(picture), 500) << text;
    for (const image::Image& other : drawn) EXPECT_NE(picture, other) << text;
    drawn.push_back(picture);
  }
  EXPECT_EQ(pen.width_of(""), 0);
  image::Image picture = paper(60, 30);
  pen.draw(picture, 5, 3, "   ", {0, 0, 0});
  EXPECT_EQ(ink(picture), 0);
}

TEST(TextPen, StaysInsideThePicture) {
  TextPen pen(16);
  for (const int64_t x : {-1000, -7, 50, 4000}) {
    for (const int64_t y : {-1000, -9, 25, 4000}) {
      image::Image picture = paper(60, 30);
      pen.draw(picture, x, y, "text 雨 that is cut", {0, 0, 0});
      EXPECT_EQ(picture.rgb.size(), 60U * 30U * 3U);
    }
  }
}

TEST(TextPen, WrapsWithoutLosingACharacter) {
  TextPen pen(15);
  const std::string text =
      "A whirlwind of emotion, naïve and bold: Donaudampfschifffahrtsgesellschaftskapitän "
      "雨雨雨雨雨雨";
  std::string squeezed;
  for (const char c : text) {
    if (c != ' ') squeezed += c;
  }
  for (const int64_t width : {30, 77, 200, 5000}) {
    std::string joined;
    for (const std::string& line : pen.wrapped(text, width)) {
      EXPECT_LE(pen.width_of(line), width) << line;
      for (const char c : line) {
        if (c != ' ') joined += c;
      }
    }
    EXPECT_EQ(joined, squeezed) << width;
  }
  EXPECT_EQ(pen.wrapped(text, 5000).size(), 1U);
  EXPECT_TRUE(pen.wrapped("", 100).empty());
}

/// Whether `part` stands somewhere in `page`, to the pixel.
bool contains(const image::Image& page, const image::Image& part) {
  for (int64_t y = 0; y + part.height <= page.height; ++y) {
    for (int64_t x = 0; x + part.width <= page.width; ++x) {
      bool same = true;
      for (int64_t row = 0; same && row < part.height; ++row) {
        same = std::equal(part.row(row), part.row(row) + part.width * 3, page.row(y + row) + x * 3);
      }
      if (same) return true;
    }
  }
  return false;
}

TEST(ContactSheets, ShowEverySetWithItsCaption) {
  const ScratchFolder scratch;
  for (int i = 1; i <= 5; ++i) {
    put_set(scratch / fmt::format("set {}", i), 2, 64, 48, static_cast<uint64_t>(i),
            "[TAG] two of <Anna> [LEFT] one [RIGHT] another");
  }
  const std::vector<Set> sets = read_sets(scratch.path());
  DataOptions data;
  data.validation = 1;
  Problems problems;
  const Plan plan = plan_sets(sets, data, problems);
  NoProgress progress;
  SheetOptions options;
  options.width = 640;
  options.columns = 2;
  const auto pages = contact_sheets(sets, plan, data, options, progress);
  ASSERT_EQ(pages.size(), 1U);
  EXPECT_EQ(pages[0].width, 640);
  for (const auto* list : {&plan.training, &plan.validation}) {
    for (const Item& item : *list) {
      EXPECT_TRUE(contains(pages[0], load_set(sets[item.set], item, data.fit).canvas));
    }
  }
  // The marker is there, in its colour.
  TextPen pen(15);
  image::Image marker(pen.width_of("[LEFT]"), pen.line_height());
  for (size_t i = 0; i < marker.rgb.size(); ++i) marker.rgb[i] = i % 3 == 2 ? 248 : 250;
  pen.draw(marker, 0, 0, "[LEFT]", {28, 84, 170});
  EXPECT_TRUE(contains(pages[0], marker));
  // Other captions, another sheet.
  std::vector<Set> changed = sets;
  changed[0].caption.panels[1] = "someone else";
  EXPECT_NE(contact_sheets(changed, plan, data, options, progress)[0], pages[0]);
  options.page_height = 300;
  const auto split = contact_sheets(sets, plan, data, options, progress);
  EXPECT_EQ(split.size(), 3U);
  options.columns = 20;
  EXPECT_THROW(contact_sheets(sets, plan, data, options, progress), Error);
}

TEST(ContactSheets, ShowASetWhoseCaptionHasOnePartTooFew) {
  const ScratchFolder scratch;
  put_set(scratch / "set", 2, 64, 48, 1, "");
  fs::remove(scratch / "set/caption.txt");
  put_text(scratch / "set/caption.json", R"({"overall": "two", "panels": ["one"]})");
  Scan scan = scan_sets(scratch.path());
  DataOptions data;
  data.grid = panels::Grid{1, 2};  // its markers are for two parts
  const Plan plan = plan_sets(scan.sets, data, scan.problems);
  NoProgress progress;
  EXPECT_EQ(contact_sheets(scan.sets, plan, data, {}, progress).size(), 1U);
}

TEST(ContactSheets, EndlessCaptionsEndWithThePage) {
  const ScratchFolder scratch;
  std::string text = "x";
  for (int i = 0; i < 20000; ++i) text += " word";
  put_set(scratch / "a", 1, 32, 32, 1, text);
  const std::vector<Set> sets = read_sets(scratch.path());
  Problems problems;
  const Plan plan = plan_sets(sets, {}, problems);
  NoProgress progress;
  const auto pages = contact_sheets(sets, plan, {}, {}, progress);
  ASSERT_EQ(pages.size(), 1U);
  EXPECT_LE(pages[0].height, image::kMaximumSide);
}

}  // namespace
}  // namespace iclora::dataset
