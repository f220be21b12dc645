// What is measured from pixels alone: seams and likeness.
#include <gtest/gtest.h>

#include "core/philox.h"
#include "eval/likeness.h"
#include "eval/seams.h"

namespace iclora::eval {
namespace {

image::Image plain(int64_t side, image::Rgb colour) {
  image::Image out(side, side);
  for (size_t i = 0; i < out.rgb.size(); i += 3) {
    out.rgb[i] = colour.r;
    out.rgb[i + 1] = colour.g;
    out.rgb[i + 2] = colour.b;
  }
  return out;
}

/// Independent pixels, the same energy everywhere.
image::Image noise(int64_t width, int64_t height, uint64_t seed) {
  image::Image out(width, height);
  const Random random(seed, Stream::sampling_noise);
  for (size_t i = 0; i < out.rgb.size(); ++i) {
    out.rgb[i] = static_cast<uint8_t>(64 + random.bits(i) % 128);
  }
  return out;
}

TEST(SeamEnergy, IsTheSameEverywhereInNoise) {
  for (const panels::Grid grid : {panels::Grid{1, 2}, {2, 1}, {2, 2}, {3, 1}}) {
    const panels::Layout layout = panels::grid_layout(grid, 64, 64);
    const SeamEnergy energy = seam_energy(noise(layout.width, layout.height, 1), layout);
    ASSERT_TRUE(energy.measured);
    // Means of thousands of independent squares.
    EXPECT_NEAR(energy.beside / energy.inside, 1, 0.1) << panels::to_string(grid);
    EXPECT_NEAR(energy.across / energy.inside, 1, 0.15) << panels::to_string(grid);
  }
}

TEST(SeamEnergy, TellsASharpBorderFromOneThatRunsIntoThePanels) {
  const panels::Layout layout = panels::grid_layout({1, 2}, 32, 32);
  const image::Image sharp =
      panels::compose({plain(32, {0, 0, 0}), plain(32, {255, 255, 255})}, layout);
  const SeamEnergy clean = seam_energy(sharp, layout);
  EXPECT_DOUBLE_EQ(clean.across, 1);
  EXPECT_DOUBLE_EQ(clean.beside, 0);
  EXPECT_DOUBLE_EQ(clean.inside, 0);
  image::Image soft = sharp;
  for (int64_t y = 0; y < 32; ++y) {
    for (int64_t x = 28; x < 36; ++x) {
      for (int64_t c = 0; c < 3; ++c) soft.row(y)[x * 3 + c] = static_cast<uint8_t>((x - 27) * 28);
    }
  }
  const SeamEnergy blurred = seam_energy(soft, layout);
  EXPECT_LT(blurred.across, 0.02);
  EXPECT_GT(blurred.beside, 0.01);
}

TEST(SeamEnergy, TurnsWithThePicture) {
  const panels::Layout wide = panels::grid_layout({1, 2}, 32, 32);
  const panels::Layout high = panels::grid_layout({2, 1}, 32, 32);
  const image::Image picture = noise(64, 32, 3);
  image::Image turned(32, 64);
  for (int64_t y = 0; y < 32; ++y) {
    for (int64_t x = 0; x < 64; ++x) {
      for (int64_t c = 0; c < 3; ++c) turned.row(x)[y * 3 + c] = picture.row(y)[x * 3 + c];
    }
  }
  // The same squares, added in another order.
  EXPECT_NEAR(seam_energy(picture, wide).beside, seam_energy(turned, high).beside, 1e-12);
  EXPECT_NEAR(seam_energy(picture, wide).across, seam_energy(turned, high).across, 1e-12);
}

TEST(SeamEnergy, IsNotMeasuredWithoutABorder) {
  const panels::Layout one = panels::grid_layout({1, 1}, 32, 32);
  EXPECT_FALSE(seam_energy(noise(32, 32, 1), one).measured);
  const panels::Layout apart = panels::grid_layout({1, 2}, 32, 32, 16);
  EXPECT_FALSE(seam_energy(noise(80, 32, 1), apart).measured);
}

TEST(Likeness, KnowsCopiesPalettesAndStrangers) {
  const image::Image one = noise(64, 64, 1);
  const PanelLook look = look_of(one);
  EXPECT_EQ(apart(look, look), 0);
  EXPECT_NEAR(colours_shared(look, look), 1, 1e-5);
  // Mirrored: the same colours in other places.
  image::Image half = plain(64, {200, 30, 30});
  for (int64_t y = 0; y < 64; ++y) std::fill_n(half.row(y), 32 * 3, uint8_t{20});
  image::Image mirrored = plain(64, {20, 20, 20});
  for (int64_t y = 0; y < 64; ++y) std::copy_n(half.row(y) + 32 * 3, 32 * 3, mirrored.row(y));
  EXPECT_NEAR(colours_shared(look_of(half), look_of(mirrored)), 1, 1e-5);
  EXPECT_GT(apart(look_of(half), look_of(mirrored)), 0.1);
  EXPECT_EQ(colours_shared(look_of(plain(64, {255, 0, 0})), look_of(plain(64, {0, 0, 255}))), 0);
}

}  // namespace
}  // namespace iclora::eval
