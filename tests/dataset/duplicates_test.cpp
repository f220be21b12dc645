#include "dataset/duplicates.h"

#include <gtest/gtest.h>

#include "data_set.h"
#include "image/resize.h"

namespace iclora::dataset {
namespace {

double apart(const image::Image& a, const image::Image& b) {
  return distance(fingerprint(a, {0, 0, a.width, a.height}),
                  fingerprint(b, {0, 0, b.width, b.height}));
}

/// Mean colours of the cells, summed pixel by pixel with the share that lies in a cell.
std::vector<double> cells_of(const image::Image& picture) {
  constexpr auto n = static_cast<int64_t>(Fingerprint::kCells);
  std::vector<double> cells(static_cast<size_t>(n * n * 3));
  const auto share = [](int64_t pixel, int64_t cell, int64_t length) {
    const double edge = static_cast<double>(length) / n;
    const double inside =
        std::min(static_cast<double>(pixel + 1), edge * static_cast<double>(cell + 1)) -
        std::max(static_cast<double>(pixel), edge * static_cast<double>(cell));
    return std::max(0.0, inside) / edge;
  };
  for (int64_t y = 0; y < picture.height; ++y) {
    for (int64_t r = 0; r < n; ++r) {
      for (int64_t x = 0; x < picture.width; ++x) {
        for (int64_t c = 0; c < n; ++c) {
          const double weight = share(y, r, picture.height) * share(x, c, picture.width);
          for (int64_t k = 0; weight > 0 && k < 3; ++k) {
            cells[static_cast<size_t>((r * n + c) * 3 + k)] += weight * picture.row(y)[x * 3 + k];
          }
        }
      }
    }
  }
  return cells;
}

TEST(Fingerprint, HoldsTheCellsMeanColours) {
  for (const auto& [width, height] :
       std::vector<std::pair<int64_t, int64_t>>{{24, 24}, {7, 5}, {100, 37}, {53, 71}, {48, 23}}) {
    const image::Image picture = photo(width, height, 3);
    const Fingerprint print = fingerprint(picture, {0, 0, width, height});
    const std::vector<double> expected = cells_of(picture);
    for (size_t i = 0; i < expected.size(); ++i) {
      // fp32 sums of values up to 255.
      ASSERT_NEAR(print.cells[i] + print.mean[i % 3], expected[i], 1e-3)
          << width << "x" << height << " " << i;
    }
  }
}

TEST(Fingerprint, SurvivesWhatCopiesGoThrough) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    const image::Image a = photo(301, 211, seed);
    EXPECT_EQ(apart(a, a), 0);
    EXPECT_LT(apart(a, image::resize(a, 97, 61)), 0.02);
    EXPECT_LT(apart(a, image::resize(a, 640, 480)), 0.02);
    EXPECT_LT(apart(a, image::crop(a, 2, 2, 297, 207)), 0.08);
    image::Image brighter = a;
    for (uint8_t& value : brighter.rgb) value = static_cast<uint8_t>(value * 9 / 10 + 20);
    EXPECT_LT(apart(a, brighter), 0.03);
    for (uint64_t other = 1; other < seed; ++other) {
      EXPECT_GT(apart(a, photo(301, 211, other)), 0.5);
    }
    // A panel that differs by one object is another picture.
    image::Image with_object = a;
    for (int64_t y = 80; y < 120; ++y) {
      std::fill_n(with_object.row(y) + 100 * 3, 40 * 3, uint8_t{255});
    }
    EXPECT_GT(apart(a, with_object), 0.1);
  }
}

}  // namespace
}  // namespace iclora::dataset
