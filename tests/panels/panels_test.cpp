#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "core/error.h"
#include "core/file.h"
#include "core/philox.h"
#include "image/png_chunks.h"
#include "image/read.h"
#include "panels/layout.h"
#include "panels/masks.h"
#include "panels/split_picture.h"
#include "refusal.h"
#include "scratch.h"

namespace iclora::panels {
namespace {

using testing::HasSubstr;
using testing_support::refusal_of;
using testing_support::ScratchFolder;

image::Image noise(int64_t width, int64_t height, uint64_t seed) {
  image::Image picture(width, height);
  const Random random(seed, Stream::augmentation);
  for (size_t i = 0; i < picture.rgb.size(); ++i) {
    picture.rgb[i] = static_cast<uint8_t>(random.bits(i));
  }
  return picture;
}

// Any grid on any size: boxes are inside, cover every pixel once, and composing what was split is
// the identity.
TEST(CutLayout, CoversEveryPixelOnceWhateverTheSize) {
  const Random random(1, Stream::order);
  for (uint64_t trial = 0; trial < 200; ++trial) {
    const Grid grid = {1 + random.bits(4 * trial) % 7, 1 + random.bits(4 * trial + 1) % 7};
    const int64_t width = grid.columns + random.bits(4 * trial + 2) % 90;
    const int64_t height = grid.rows + random.bits(4 * trial + 3) % 90;
    const Layout layout = cut_layout(grid, width, height);
    ASSERT_EQ(static_cast<int64_t>(layout.boxes.size()), grid.count());
    std::vector<int> covered(static_cast<size_t>(width * height));
    for (const Box& box : layout.boxes) {
      for (int64_t y = box.y; y < box.y + box.height; ++y) {
        for (int64_t x = box.x; x < box.x + box.width; ++x) {
          ++covered.at(static_cast<size_t>(y * width + x));
        }
      }
    }
    EXPECT_EQ(std::count(covered.begin(), covered.end(), 1), width * height);
    const image::Image canvas = noise(width, height, trial);
    EXPECT_EQ(compose(split(canvas, layout), layout), canvas);
    EXPECT_EQ(layout_from_json(layout_to_json(layout), "x"), layout);
  }
}

TEST(GridLayout, PanelsLieInReadingOrder) {
  const Layout layout = grid_layout({2, 3}, 32, 16);
  EXPECT_EQ(layout.width, 96);
  EXPECT_EQ(layout.height, 32);
  EXPECT_EQ(layout.boxes[1], (Box{32, 0, 32, 16}));
  EXPECT_EQ(layout.boxes[3], (Box{0, 16, 32, 16}));
}

TEST(GridLayout, AGutterSeparatesThePanelsAndKeepsTheGround) {
  const Layout layout = grid_layout({2, 2}, 16, 32, 4);
  EXPECT_EQ(layout.width, 36);
  EXPECT_EQ(layout.height, 68);
  EXPECT_EQ(layout.boxes[3], (Box{20, 36, 16, 32}));
  std::vector<image::Image> parts;
  for (uint64_t i = 0; i < 4; ++i) parts.push_back(noise(16, 32, i));
  const image::Image canvas = compose(parts, layout, {1, 2, 3});
  EXPECT_EQ(split(canvas, layout), parts);
  const uint8_t* between = canvas.row(0) + 17 * 3;
  EXPECT_EQ((std::vector<uint8_t>(between, between + 3)), (std::vector<uint8_t>{1, 2, 3}));
  EXPECT_EQ(layout_from_json(layout_to_json(layout), "x"), layout);
}

TEST(GridLayout, NumbersFromOutsideCannotOverflow) {
  constexpr int64_t kHuge = INT64_MAX;
  EXPECT_THAT(refusal_of([] { grid_layout({100000, 100000}, 16, 16); }), HasSubstr("1 to 64"));
  EXPECT_THAT(refusal_of([] {
                cut_layout({100000, 100000}, 200000, 200000);
              }),
              HasSubstr("1 to 64"));
  EXPECT_THAT(refusal_of([] { cut_layout({0, 1}, 64, 64); }), HasSubstr("1 to 64"));
  EXPECT_THAT(refusal_of([] { cut_layout({1, -1}, 64, 64); }), HasSubstr("1 to 64"));
  EXPECT_THAT(refusal_of([] { cut_layout({1, 1}, kHuge, 64); }), HasSubstr("larger than 16384"));
  EXPECT_THAT(refusal_of([] { grid_layout({64, 64}, kHuge, kHuge); }), HasSubstr("larger than"));
  EXPECT_THAT(refusal_of([] { grid_layout({2, 2}, 16, 16, kHuge); }), HasSubstr("gutter"));
  EXPECT_THAT(refusal_of([] { grid_layout({2, 2}, 16, 16, -1); }), HasSubstr("gutter"));
  EXPECT_THAT(refusal_of([] { grid_layout({2, 2}, 0, 16); }), HasSubstr("1 or more"));
  EXPECT_THAT(refusal_of([] { grid_layout({2, 2}, 16, -kHuge); }), HasSubstr("1 or more"));
}

TEST(PanelMask, MarksTheChosenPanelsInPixelsLatentsAndTokens) {
  const Layout layout = grid_layout({2, 3}, 32, 16);
  for (const int64_t cell : {1, 8, 16}) {
    const auto mask = panel_mask(layout, {2, 6}, cell);
    const int64_t columns = layout.width / cell;
    ASSERT_EQ(static_cast<int64_t>(mask.size()), columns * layout.height / cell);
    for (int64_t y = 0; y < layout.height; ++y) {
      for (int64_t x = 0; x < layout.width; ++x) {
        const bool inside = (y < 16 && x >= 32 && x < 64) || (y >= 16 && x >= 64);
        EXPECT_EQ(mask[static_cast<size_t>(y / cell * columns + x / cell)], inside)
            << x << "," << y;
      }
    }
  }
  EXPECT_THAT(refusal_of([&] { panel_mask(layout, {7}); }), HasSubstr("panels 1 to 6"));
  EXPECT_THAT(refusal_of([&] { panel_mask(layout, {0}); }), HasSubstr("no panel 0"));
  EXPECT_THAT(refusal_of([&] { panel_mask(layout, {3, 3}); }), HasSubstr("twice"));
  EXPECT_THAT(refusal_of([&] {
                panel_mask(cut_layout({1, 3}, 64, 16), {2}, 16);
              }),
              HasSubstr("multiples of 16"));
  EXPECT_THAT(refusal_of([&] {
                panel_mask(cut_layout({1, 3}, 65, 16), {}, 16);
              }),
              HasSubstr("whole cells"));
}

TEST(Grid, IsReadStrictly) {
  EXPECT_EQ(parse_grid("3x1"), (Grid{3, 1}));
  for (const char* text : {"", "x", "3", "3x", "x3", "0x1", "-1x2", "3x1x1", "3 x 1", "3X1", "65x1",
                           "1e1x1", "99999999999999999999x1", "2x2 "}) {
    EXPECT_THAT(refusal_of([&] { parse_grid(text); }), HasSubstr("ROWSxCOLUMNS")) << text;
  }
}

TEST(TokenMultiple, NamesTheNearestSize) {
  EXPECT_NO_THROW(check_token_multiple(64, 1024, "--panel"));
  EXPECT_THAT(refusal_of([] { check_token_multiple(100, 64, "--panel"); }),
              HasSubstr("nearest is 96x64"));
  EXPECT_THAT(refusal_of([] { check_token_multiple(3, 63, "--panel"); }),
              HasSubstr("nearest is 16x64"));
  EXPECT_THAT(refusal_of([] { check_token_multiple(0, 64, "--panel"); }), HasSubstr("16x64"));
}

TEST(GridLayout, RefusesCanvasesBeyondTheLimit) {
  EXPECT_THAT(refusal_of([] { grid_layout({64, 64}, 1024, 1024); }), HasSubstr("16384"));
  EXPECT_THAT(refusal_of([] { cut_layout({3, 3}, 2, 9); }), HasSubstr("cannot be cut"));
}

TEST(LayoutJson, RefusesWhatIsNotALayout) {
  const Json good = layout_to_json(grid_layout({2, 1}, 32, 16));
  const auto with = [&](const char* where, const Json& value) {
    Json bad = good;
    bad[Json::json_pointer(where)] = value;
    return refusal_of([&] { layout_from_json(bad, "picture"); });
  };
  EXPECT_EQ(with("/grid", "2x1"), "accepted");
  EXPECT_THAT(with("/grid", "3x1"), HasSubstr("3 'boxes'"));
  EXPECT_THAT(with("/canvas", "32x-2"), HasSubstr("canvas"));
  EXPECT_THAT(with("/canvas", "99999x99999"), HasSubstr("canvas"));
  EXPECT_THAT(with("/boxes/0", {0, 0, 33, 16}), HasSubstr("inside the canvas"));
  EXPECT_THAT(with("/boxes/0", {0, 0, 0, 16}), HasSubstr("inside the canvas"));
  EXPECT_THAT(with("/boxes/0", {0, 0, 32}), HasSubstr("inside the canvas"));
  EXPECT_THAT(with("/boxes/0", {0, 0, 32, 16, 1}), HasSubstr("inside the canvas"));
  EXPECT_THAT(with("/boxes/0", "all"), HasSubstr("inside the canvas"));
  EXPECT_THAT(with("/boxes/0", {0, 1, 32, 16}), HasSubstr("overlap"));
  EXPECT_THAT(with("/canvas", " 32x32"), HasSubstr("canvas"));
  EXPECT_THAT(with("/canvas", "32x32 "), HasSubstr("canvas"));
  EXPECT_THAT(with("/canvas", "032x+32"), HasSubstr("canvas"));
  EXPECT_THAT(with("/boxes/0", {0.5, 0, 32, 16}), HasSubstr("inside the canvas"));
  EXPECT_THAT(with("/boxes/0", {0, 0, 18446744073709551615U, 16}), HasSubstr("inside the canvas"));
  EXPECT_THAT(with("/box", 1), HasSubstr("unknown key 'box'"));
  EXPECT_THAT(refusal_of([] { layout_from_json(Json::array(), "x"); }), HasSubstr("object"));
}

TEST(SplitPicture, UsesThePicturesOwnLayoutAndPassesTheTextsOn) {
  const ScratchFolder scratch;
  const Layout layout = grid_layout({2, 2}, 16, 16);
  const image::Image canvas = noise(32, 32, 3);
  const Json request = {{"version", 1}, {"layout", layout_to_json(layout)}};
  image::write_png(scratch / "canvas.png", canvas,
                   {{"parameters", "a fox"}, {"iclora", request.dump()}});
  const auto paths = split_picture(scratch / "canvas.png", std::nullopt, scratch / "out");
  ASSERT_EQ(paths.size(), 4U);
  const auto parts = split(canvas, layout);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(image::read_image(paths[i]), parts[i]);
    const auto texts = image::read_texts(paths[i]);
    EXPECT_EQ(texts.at("parameters"), "a fox");
    EXPECT_EQ(parse_json(texts.at("iclora"), "x")["split"]["panel"], i + 1);
  }
  EXPECT_EQ(paths[3].filename(), "4.png");
  // A panel is no canvas, unless a grid is given.
  EXPECT_THAT(refusal_of([&] { split_picture(paths[0], std::nullopt, scratch / "again"); }),
              HasSubstr("cut out already"));
  EXPECT_EQ(split_picture(paths[0], Grid{1, 2}, scratch / "again").size(), 2U);
}

TEST(SplitPicture, LeavesTheFolderUntouchedWhenItRefuses) {
  const ScratchFolder scratch;
  image::write_png(scratch / "plain.png", noise(10, 10, 1));
  EXPECT_THAT(
      refusal_of([&] { split_picture(scratch / "plain.png", std::nullopt, scratch / "out"); }),
      HasSubstr("--grid"));
  EXPECT_THAT(refusal_of([&] {
                split_picture(scratch / "missing.png", Grid{1, 2}, scratch / "out");
              }),
              HasSubstr("missing.png"));
  write_file(scratch / "bad.png", "no picture");
  EXPECT_THAT(refusal_of([&] {
                split_picture(scratch / "bad.png", Grid{1, 2}, scratch / "out");
              }),
              HasSubstr("not a picture"));
  EXPECT_FALSE(std::filesystem::exists(scratch / "out"));
}

TEST(SplitPicture, ABrokenRequestIsRefusedUnlessAGridIsGiven) {
  const ScratchFolder scratch;
  const image::Image canvas = noise(20, 10, 1);
  const std::string huge = R"({"layout":{"canvas":"99999x9","grid":"1x2","boxes":[]}})";
  for (const std::string& text :
       {std::string("{"), std::string("[1]"), std::string("{}"), huge,
        layout_to_json(grid_layout({1, 2}, 10, 10)).dump(),
        Json({{"layout", layout_to_json(grid_layout({1, 2}, 5, 5))}}).dump(),
        std::string(R"({"layout":1,"layout":2})"), std::string(70, '[')}) {
    image::write_png(scratch / "canvas.png", canvas, {{"iclora", text}});
    const auto out = scratch / "out";
    EXPECT_NE(refusal_of([&] { split_picture(scratch / "canvas.png", std::nullopt, out / "a"); }),
              "accepted")
        << text;
    EXPECT_FALSE(std::filesystem::exists(out)) << text;
    // The pixels do not depend on the text, and what cannot be understood is passed on.
    EXPECT_EQ(split_picture(scratch / "canvas.png", Grid{1, 2}, out / "a").size(), 2U) << text;
    EXPECT_TRUE(image::read_texts(out / "a" / "2.png").contains("iclora"));
    std::filesystem::remove_all(out);
  }
}

TEST(SplitPicture, WritesAllPanelsOrNone) {
  const ScratchFolder scratch;
  image::write_png(scratch / "canvas.png", noise(20, 10, 1));
  // The second name is taken by a folder that cannot be replaced.
  std::filesystem::create_directories(scratch / "out" / "2.png" / "x");
  try {
    split_picture(scratch / "canvas.png", Grid{1, 3}, scratch / "out");
    FAIL() << "a folder was replaced";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), 6);
  }
  EXPECT_FALSE(std::filesystem::exists(scratch / "out" / "1.png"));
  EXPECT_FALSE(std::filesystem::exists(scratch / "out" / "3.png"));
  write_file(scratch / "file", "x");
  try {
    split_picture(scratch / "canvas.png", Grid{1, 3}, scratch / "file" / "out");
    FAIL() << "a file was taken for a folder";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), 6);
  }
}

TEST(WritePictures, AFailureRemovesTheFolderItMade) {
  const ScratchFolder scratch;
  const std::vector<NamedPicture> pictures = {{"1.png", noise(4, 4, 1), {}},
                                              {"2.png", noise(4, 4, 1), {{"", "no name"}}}};
  EXPECT_THAT(refusal_of([&] { write_pictures(scratch / "a", pictures); }), HasSubstr("name"));
  EXPECT_THAT(refusal_of([&] { write_pictures((scratch / "a") / "b/", pictures); }),
              HasSubstr("name"));
  EXPECT_FALSE(std::filesystem::exists(scratch / "a"));
}

TEST(SplitPicture, ManyPanelsNeedNoManyOpenFiles) {
  const ScratchFolder scratch;
  const image::Image canvas = noise(64, 64, 5);
  image::write_png(scratch / "canvas.png", canvas);
  const Grid grid = {10, 10};
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit few = {50, before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &few);
  const auto paths = split_picture(scratch / "canvas.png", grid, scratch / "out");
  setrlimit(RLIMIT_NOFILE, &before);
  ASSERT_EQ(paths.size(), 100U);
  std::vector<image::Image> parts;
  parts.reserve(paths.size());
  for (const auto& path : paths) parts.push_back(image::read_image(path));
  EXPECT_EQ(compose(parts, cut_layout(grid, 64, 64)), canvas);
}

TEST(SplitPicture, TextsOfOtherProgramsArePassedOnInTheirOrder) {
  const ScratchFolder scratch;
  const image::Texts texts = {{"workflow", "{\"b\": [1]}"},
                              {"prompt", "{}"},
                              {"Título", "naïve"},
                              {"Comment", "\xE7\x8B\x90 \xF0\x9F\xA6\x8A"},
                              {"Comment", "again"}};
  image::write_png(scratch / "canvas.png", noise(8, 8, 1), texts);
  const auto paths = split_picture(scratch / "canvas.png", Grid{2, 1}, scratch / "out");
  const std::string bytes = read_file(paths[1], 1 << 20);
  EXPECT_EQ(image::png_text_list(image::png_chunks(bytes, "x"), "x"), texts);
}

TEST(InspectPicture, TellsWhatThePictureIsAndWhatItSaysOfItself) {
  const ScratchFolder scratch;
  const Layout layout = grid_layout({2, 1}, 16, 16);
  const Json request = {{"version", 1}, {"layout", layout_to_json(layout)}};
  image::write_png(scratch / "a.png", noise(16, 32, 1),
                   {{"parameters", "a fox"}, {"iclora", request.dump()}});
  const Json told = inspect_picture(scratch / "a.png");
  EXPECT_EQ(told["format"], "png");
  EXPECT_EQ(told["width"], 16);
  EXPECT_EQ(told["height"], 32);
  EXPECT_EQ(told["bit_depth"], 8);
  EXPECT_EQ(told["colour"], "rgb");
  EXPECT_EQ(told["texts"], Json({{"parameters", "a fox"}}));
  EXPECT_EQ(told["iclora"], request);
  image::write_png(scratch / "b.png", noise(16, 32, 1), {{"iclora", "no JSON"}});
  EXPECT_EQ(inspect_picture(scratch / "b.png")["iclora"], "no JSON");
  const Json photo = inspect_picture(ICLORA_FIXTURES "/pictures/cmyk.jpg");
  EXPECT_EQ(photo["format"], "jpeg");
  EXPECT_EQ(photo["colour"], "cmyk");
  EXPECT_FALSE(photo.contains("iclora"));
  EXPECT_TRUE(image::is_picture(scratch / "a.png"));
  EXPECT_FALSE(image::is_picture(scratch.path()));
  EXPECT_FALSE(image::is_picture(scratch / "missing"));
}

}  // namespace
}  // namespace iclora::panels
