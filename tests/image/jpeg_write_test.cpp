#include "image/jpeg_write.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "core/error.h"
#include "image/read.h"
#include "scratch.h"

namespace iclora::image {
namespace {

TEST(EncodeJpeg, ReadsBackAlmostAsItWas) {
  Image picture(61, 35);  // no multiple of a block
  for (int64_t y = 0; y < picture.height; ++y) {
    for (int64_t x = 0; x < picture.width; ++x) {
      picture.row(y)[x * 3] = static_cast<uint8_t>(x * 4);
      picture.row(y)[x * 3 + 1] = static_cast<uint8_t>(y * 7);
      picture.row(y)[x * 3 + 2] = x < 30 ? 40 : 200;
    }
  }
  const std::string bytes = encode_jpeg(picture);
  EXPECT_EQ(bytes, encode_jpeg(picture));
  EXPECT_LT(encode_jpeg(picture, 20).size(), bytes.size());
  const testing_support::ScratchFolder scratch;
  std::ofstream(scratch / "x.jpg", std::ios::binary) << bytes;
  const Image back = read_image(scratch / "x.jpg");
  ASSERT_EQ(back.width, 61);
  ASSERT_EQ(back.height, 35);
  double error = 0;
  for (size_t i = 0; i < back.rgb.size(); ++i) error += std::abs(back.rgb[i] - picture.rgb[i]);
  // Quality 90 without subsampling: a few levels at edges, next to nothing elsewhere.
  EXPECT_LT(error / static_cast<double>(back.rgb.size()), 3.0);
}

TEST(EncodeJpeg, RefusesAPictureWithoutPixels) {
  EXPECT_THROW(encode_jpeg(Image(0, 5)), Error);
}

}  // namespace
}  // namespace iclora::image
