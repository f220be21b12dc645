#include "core/philox.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace iclora {
namespace {

// Known answers of the authors' library (Random123, kat_vectors, philox4x32 with 10 rounds).
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}),
            (std::array<uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({~0U, ~0U, ~0U, ~0U}, {~0U, ~0U}),
            (std::array<uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (std::array<uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, ADrawDependsOnItsIndexAlone) {
  const Random random(42, Stream::sampling_noise, 3);
  std::vector<float> whole(1001);
  random.fill_normal(whole, 5);
  for (size_t first : {0, 1, 2, 3, 500}) {
    std::vector<float> part(17);
    random.fill_normal(part, 5 + first);
    for (size_t i = 0; i < part.size(); ++i) EXPECT_EQ(part[i], whole[first + i]);
  }
  EXPECT_NE(Random(42, Stream::timestep, 3).bits(0), random.bits(0));
  EXPECT_NE(Random(42, Stream::sampling_noise, 4).bits(0), random.bits(0));
  EXPECT_NE(Random(43, Stream::sampling_noise, 3).bits(0), random.bits(0));
}

TEST(Random, NormalsHaveMeanZeroAndVarianceOne) {
  std::vector<float> draws(1 << 20);
  Random(7, Stream::training_noise).fill_normal(draws);
  double sum = 0, square = 0, fourth = 0;
  for (const float x : draws) {
    ASSERT_TRUE(std::isfinite(x));
    sum += x;
    square += double(x) * x;
    fourth += double(x) * x * x * x;
  }
  const auto n = static_cast<double>(draws.size());
  // Four standard errors of each moment over 2^20 draws.
  EXPECT_NEAR(sum / n, 0.0, 4 / std::sqrt(n));
  EXPECT_NEAR(square / n, 1.0, 4 * std::sqrt(2 / n));
  EXPECT_NEAR(fourth / n, 3.0, 4 * std::sqrt(96 / n));
}

}  // namespace
}  // namespace iclora
