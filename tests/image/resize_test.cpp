#include "image/resize.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "image/read.h"

namespace iclora::image {
namespace {

const std::filesystem::path kPictures = ICLORA_FIXTURES "/pictures";

// Pillow computes the same filter in fixed point: one unit of rounding each way.
TEST(Resize, EqualsPillowsLanczosWithinAUnit) {
  const Image picture = read_image(kPictures / "resize.png");
  for (const auto& [w, h] : {std::pair{24, 16}, {120, 90}, {61, 20}}) {
    const Image expected = read_image(
        kPictures / ("resize-" + std::to_string(w) + "x" + std::to_string(h) + ".expected.png"));
    const Image ours = resize(picture, w, h);
    ASSERT_EQ(ours.rgb.size(), expected.rgb.size());
    for (size_t i = 0; i < ours.rgb.size(); ++i) {
      ASSERT_LE(std::abs(ours.rgb[i] - expected.rgb[i]), 1) << w << "x" << h << " at " << i;
    }
  }
}

// The same, cut or padded as Pillow's ImageOps.fit and pad do.
TEST(Fit, EqualsPillowsFitAndPadWithinAUnit) {
  struct Case {
    const char* name;
    int64_t width, height;
    double x, y;
  };
  const Image picture = read_image(kPictures / "resize.png");
  for (const Case& c :
       {Case{"a", 40, 40, 0.5, 0.5}, {"b", 16, 48, 0.2, 0.9}, {"c", 80, 30, 1, 0}}) {
    const std::string end = std::string(c.name) + ".expected.png";
    const Image covers[2] = {read_image(kPictures / ("cover-" + end)),
                             fit_cover(picture, c.width, c.height, c.x, c.y)};
    const Image contains[2] = {read_image(kPictures / ("contain-" + end)),
                               fit_contain(picture, c.width, c.height, {}, c.x, c.y)};
    for (const auto& [expected, ours] :
         {std::pair(covers[0], covers[1]), {contains[0], contains[1]}}) {
      ASSERT_EQ(ours.rgb.size(), expected.rgb.size());
      for (size_t i = 0; i < ours.rgb.size(); ++i) {
        ASSERT_LE(std::abs(ours.rgb[i] - expected.rgb[i]), 1) << c.name << " at " << i;
      }
    }
  }
}

TEST(Fit, CoverKeepsTheChosenPartAndContainAllOfIt) {
  // A white square in the middle of a wide black picture.
  Image wide(60, 20);
  for (int64_t y = 0; y < 20; ++y) {
    for (int64_t x = 20; x < 40; ++x) {
      for (int64_t c = 0; c < 3; ++c) wide.row(y)[x * 3 + c] = 255;
    }
  }
  EXPECT_EQ(fit_cover(wide, 20, 20).rgb, std::vector<uint8_t>(20 * 20 * 3, 255));
  EXPECT_EQ(fit_cover(wide, 20, 20, 0.0, 0.5).rgb, std::vector<uint8_t>(20 * 20 * 3, 0));
  const Image contained = fit_contain(wide, 60, 60, {9, 9, 9});
  EXPECT_EQ(contained.row(0)[0], 9);
  EXPECT_EQ(crop(contained, 0, 20, 60, 20), wide);
}

}  // namespace
}  // namespace iclora::image
