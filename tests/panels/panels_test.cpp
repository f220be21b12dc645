#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/file.h"
#include "core/philox.h"
#include "image/png_chunks.h"
#include "image/read.h"
#include "panels/layout.h"
#include "panels/split_picture.h"
#include "scratch.h"

namespace iclora::panels {
namespace {

using testing::HasSubstr;
using testing_support::ScratchFolder;

image::Image noise(int64_t width, int64_t height, uint64_t seed) {
  image::Image picture(width, height);
  const Random random(seed, Stream::augmentation);
  for (size_t i = 0; i < picture.rgb.size(); ++i) {
    picture.rgb[i] = static_cast<uint8_t>(random.bits(i));
  }
  return picture;
}

template <typename F>
std::string message_of(const F& f) {
  try {
    f();
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), 2);
    return error.what();
  }
  return "accepted";
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

TEST(Grid, IsReadStrictly) {
  EXPECT_EQ(parse_grid("3x1"), (Grid{3, 1}));
  for (const char* text : {"", "x", "3", "3x", "x3", "0x1", "-1x2", "3x1x1", "3 x 1", "3X1", "65x1",
                           "1e1x1", "99999999999999999999x1", "2x2 "}) {
    EXPECT_THAT(message_of([&] { parse_grid(text); }), HasSubstr("ROWSxCOLUMNS")) << text;
  }
}

TEST(TokenMultiple, NamesTheNearestSize) {
  EXPECT_NO_THROW(check_token_multiple(64, 1024, "--panel"));
  EXPECT_THAT(message_of([] { check_token_multiple(100, 64, "--panel"); }),
              HasSubstr("nearest is 96x64"));
  EXPECT_THAT(message_of([] { check_token_multiple(3, 63, "--panel"); }),
              HasSubstr("nearest is 16x64"));
  EXPECT_THAT(message_of([] { check_token_multiple(0, 64, "--panel"); }), HasSubstr("16x64"));
}

TEST(GridLayout, RefusesCanvasesBeyondTheLimit) {
  EXPECT_THAT(message_of([] { grid_layout({64, 64}, 1024, 1024); }), HasSubstr("16384"));
  EXPECT_THAT(message_of([] { cut_layout({3, 3}, 2, 9); }), HasSubstr("cannot be cut"));
}

TEST(LayoutJson, RefusesWhatIsNotALayout) {
  const Json good = layout_to_json(grid_layout({2, 1}, 32, 16));
  const auto with = [&](const char* where, const Json& value) {
    Json bad = good;
    bad[Json::json_pointer(where)] = value;
    return message_of([&] { layout_from_json(bad, "picture"); });
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
  EXPECT_THAT(message_of([] { layout_from_json(Json::array(), "x"); }), HasSubstr("object"));
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
    EXPECT_EQ(parse_json(texts.at("iclora"), "x")["panel"]["number"], i + 1);
  }
  EXPECT_EQ(paths[3].filename(), "4.png");
  // A panel is no canvas, unless a grid is given.
  EXPECT_THAT(message_of([&] { split_picture(paths[0], std::nullopt, scratch / "again"); }),
              HasSubstr("no canvas"));
  EXPECT_EQ(split_picture(paths[0], Grid{1, 2}, scratch / "again").size(), 2U);
}

TEST(SplitPicture, LeavesTheFolderUntouchedWhenItRefuses) {
  const ScratchFolder scratch;
  image::write_png(scratch / "plain.png", noise(10, 10, 1));
  EXPECT_THAT(
      message_of([&] { split_picture(scratch / "plain.png", std::nullopt, scratch / "out"); }),
      HasSubstr("--grid"));
  EXPECT_THAT(message_of([&] {
                split_picture(scratch / "missing.png", Grid{1, 2}, scratch / "out");
              }),
              HasSubstr("missing.png"));
  write_file(scratch / "bad.png", "no picture");
  EXPECT_THAT(message_of([&] {
                split_picture(scratch / "bad.png", Grid{1, 2}, scratch / "out");
              }),
              HasSubstr("not a picture"));
  EXPECT_FALSE(std::filesystem::exists(scratch / "out"));
}

}  // namespace
}  // namespace iclora::panels
