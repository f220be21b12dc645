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
