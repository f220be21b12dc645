#include "weights/floats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "refusal.h"

namespace iclora::weights {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

uint16_t stored(float value, Dtype dtype) {
  const std::vector<std::byte> bytes = to_bytes(std::span(&value, 1), dtype);
  uint16_t out = 0;
  EXPECT_EQ(bytes.size(), sizeof out);
  std::memcpy(&out, bytes.data(), sizeof out);
  return out;
}

float loaded(uint16_t bits, Dtype dtype) {
  StoredTensor tensor{"x", dtype, {1}, std::as_bytes(std::span(&bits, 1)), nullptr};
  return to_floats(tensor)[0];
}

TEST(Floats, EveryNumberOfSixteenBitsComesBack) {
  for (const Dtype dtype : {Dtype::f16, Dtype::bf16}) {
    for (uint32_t bits = 0; bits < 65536; ++bits) {
      const float value = loaded(static_cast<uint16_t>(bits), dtype);
      if (std::isnan(value)) {
        EXPECT_TRUE(std::isnan(loaded(stored(value, dtype), dtype))) << bits;
      } else {
        ASSERT_EQ(stored(value, dtype), bits) << name_of(dtype);
      }
    }
  }
}

// Values of IEEE 754's table for binary16, and the first 16 bits of binary32.
TEST(Floats, AreTheNumbersOfTheirFormats) {
  EXPECT_EQ(loaded(0x3c00, Dtype::f16), 1.0F);
  EXPECT_EQ(loaded(0xc000, Dtype::f16), -2.0F);
  EXPECT_EQ(loaded(0x7bff, Dtype::f16), 65504.0F);
  EXPECT_EQ(loaded(0x0400, Dtype::f16), std::ldexp(1.0F, -14));
  EXPECT_EQ(loaded(0x0001, Dtype::f16), std::ldexp(1.0F, -24));
  EXPECT_EQ(loaded(0x3f80, Dtype::bf16), 1.0F);
  EXPECT_EQ(loaded(0x4049, Dtype::bf16), 3.140625F);
}

TEST(Floats, RoundToTheNearestAndOfTwoToTheEven) {
  const float ulp = std::ldexp(1.0F, -10);  // of binary16 at 1
  EXPECT_EQ(stored(1 + ulp / 2, Dtype::f16), 0x3c00);
  EXPECT_EQ(stored(1 + 3 * ulp / 2, Dtype::f16), 0x3c02);
  EXPECT_EQ(stored(1 + ulp * 0.51F, Dtype::f16), 0x3c01);
  EXPECT_EQ(stored(2 - ulp / 4, Dtype::f16), 0x4000);               // into the next power
  EXPECT_EQ(stored(std::ldexp(1.0F, -25), Dtype::f16), 0x0000);     // half of the smallest
  EXPECT_EQ(stored(std::ldexp(3.0F, -25), Dtype::f16), 0x0002);     // one and a half of it
  EXPECT_EQ(stored(std::ldexp(1023.6F, -24), Dtype::f16), 0x0400);  // into the normal numbers
  EXPECT_EQ(stored(65519.0F, Dtype::f16), 0x7bff);
  EXPECT_EQ(stored(-65520.0F, Dtype::f16), 0xfc00);
  EXPECT_EQ(stored(1 + std::ldexp(1.0F, -8), Dtype::bf16), 0x3f80);
  EXPECT_EQ(stored(1 + 3 * std::ldexp(1.0F, -8), Dtype::bf16), 0x3f82);
  EXPECT_EQ(stored(std::numeric_limits<float>::max(), Dtype::bf16), 0x7f80);
  EXPECT_EQ(stored(std::bit_cast<float>(0x7f800001U), Dtype::bf16), 0x7fc0);  // NaN stays one
}

TEST(Floats, OtherDtypesAreRefused) {
  const std::byte byte{1};
  const StoredTensor tensor{"x", Dtype::u8, {1}, std::span(&byte, 1), nullptr};
  EXPECT_THAT(testing_support::refusal_of([&] { to_floats(tensor); }),
              HasSubstr("'x' is stored as U8"));
  const double wide = 0.1;
  const StoredTensor of_double{"x", Dtype::f64, {1}, std::as_bytes(std::span(&wide, 1)), nullptr};
  EXPECT_THAT(to_floats(of_double), ElementsAre(0.1F));
}

}  // namespace
}  // namespace iclora::weights
