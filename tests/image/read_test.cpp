#include "image/read.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "core/error.h"
#include "core/file.h"
#include "image/png_chunks.h"
#include "image/png_write.h"
#include "scratch.h"

namespace iclora::image {
namespace {

const std::filesystem::path kPictures = ICLORA_FIXTURES "/pictures";

int largest_difference(const Image& a, const Image& b) {
  if (a.width != b.width || a.height != b.height) return 999;
  int largest = 0;
  for (size_t i = 0; i < a.rgb.size(); ++i) {
    largest = std::max(largest, std::abs(a.rgb[i] - b.rgb[i]));
  }
  return largest;
}

struct Expectation {
  const char* file;
  const char* expected;
  int tolerance;  ///< of 255
};

// What Pillow makes of the same files (tools/reference/dump_pictures.py). Alpha is blended with
// another rounding there; JPEG decoders differ by a unit or two in their inverse transform.
constexpr Expectation kExpectations[] = {
    {"grey.png", "grey", 0},
    {"rgb.png", "rgb", 0},
    {"alpha.png", "alpha", 1},
    {"grey-alpha.png", "grey-alpha", 1},
    {"palette.png", "palette", 0},
    {"palette-transparent.png", "palette-transparent", 1},
    {"bits.png", "bits", 0},
    {"deep.png", "deep", 0},
    {"exif-1.png", "exif-1", 0},
    {"exif-2.png", "exif-2", 0},
    {"exif-3.png", "exif-3", 0},
    {"exif-4.png", "exif-4", 0},
    {"exif-5.png", "exif-5", 0},
    {"exif-6.png", "exif-6", 0},
    {"exif-7.png", "exif-7", 0},
    {"exif-8.png", "exif-8", 0},
    {"exif.jpg", "exif", 2},
    {"exif.webp", "exif-webp", 0},
    {"progressive.jpg", "progressive", 2},
    {"grey.jpg", "grey-jpg", 2},
    {"cmyk.jpg", "cmyk", 3},
    {"alpha.webp", "alpha-webp", 1},
    {"icc.png", "icc", 2},
};

class ReadImage : public testing::TestWithParam<Expectation> {};

TEST_P(ReadImage, IsWhatPillowMakesOfIt) {
  const Image picture = read_image(kPictures / GetParam().file);
  const Image expected =
      read_image(kPictures / (std::string(GetParam().expected) + ".expected.png"));
  EXPECT_LE(largest_difference(picture, expected), GetParam().tolerance) << GetParam().file;
}

INSTANTIATE_TEST_SUITE_P(Kinds, ReadImage, testing::ValuesIn(kExpectations));

TEST(ReadImage, TransparencyShowsTheBackgroundAskedFor) {
  const Image red = read_image(kPictures / "alpha.png", {255, 0, 0});
  EXPECT_EQ(red.rgb[0], 255);  // the first pixel is all transparent
  EXPECT_EQ(red.rgb[1], 0);
}

TEST(WritePng, RoundTripsPixelsAndTexts) {
  const testing_support::ScratchFolder scratch;
  const Image picture = read_image(kPictures / "resize.png");
  const Texts texts = {{"parameters", "a fox\nSteps: 20"},
                       {"iclora", R"({"prompt":"Füchsin 🦊"})"},
                       {"note", "naïve"}};
  write_png(scratch / "a.png", picture, texts);
  EXPECT_EQ(read_image(scratch / "a.png"), picture);
  EXPECT_EQ(read_texts(scratch / "a.png"), TextChunks(texts.begin(), texts.end()));
  EXPECT_EQ(encode_png(picture, texts), encode_png(picture, texts));
  // 61 x 47 smooth pixels take 8.6 kB raw.
  EXPECT_LT(std::filesystem::file_size(scratch / "a.png"), 4000U);
}

TEST(DescribeImage, TellsFormatAndSize) {
  const auto describe = [](const char* file) {
    return describe_image(read_file(kPictures / file, 1 << 20), file);
  };
  EXPECT_EQ(describe("palette.png")["colour"], "palette");
  EXPECT_EQ(describe("deep.png")["bit_depth"], 16);
  EXPECT_EQ(describe("cmyk.jpg")["colour"], "cmyk");
  EXPECT_EQ(describe("alpha.webp")["width"], 24);
}

}  // namespace
}  // namespace iclora::image
