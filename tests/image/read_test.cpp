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

// What Pillow makes of the same files, or what the specification says (tools/reference/
// dump_pictures.py). Tolerances: 1 where alpha is blended, which Pillow rounds in two steps, and
// where a formula in floating point meets lcms2's fixed point; 2 for profiles, which two versions
// of lcms2 compute by different tables.
constexpr Expectation kExpectations[] = {
    {"grey.png", "grey", 0},
    {"rgb.png", "rgb", 0},
    {"alpha.png", "alpha", 1},
    {"grey-alpha.png", "grey-alpha", 1},
    {"palette.png", "palette", 0},
    {"palette-transparent.png", "palette-transparent", 1},
    {"bits.png", "bits", 0},
    {"bits-2.png", "bits-2", 0},
    {"bits-4.png", "bits-4", 0},
    {"grey-key.png", "grey-key", 0},
    {"rgb-key.png", "rgb-key", 0},
    {"deep.png", "deep", 0},
    {"deep-rgb.png", "deep-rgb", 0},
    {"deep-rgba.png", "deep-rgba", 1},
    {"interlaced-rgb.png", "interlaced-rgb", 0},
    {"interlaced-rgba.png", "interlaced-rgba", 1},
    {"interlaced-grey.png", "interlaced-grey", 0},
    {"interlaced-thin.png", "interlaced-thin", 0},
    {"interlaced-deep.png", "interlaced-deep", 0},
    {"gamma.png", "gamma", 1},
    {"gamma-grey.png", "gamma-grey", 1},
    {"gamma-srgb.png", "gamma-srgb", 0},
    {"chrm-srgb.png", "chrm-srgb", 0},
    {"chrm-swapped.png", "chrm-swapped", 1},
    {"exif-1.png", "exif-1", 0},
    {"exif-2.png", "exif-2", 0},
    {"exif-3.png", "exif-3", 0},
    {"exif-4.png", "exif-4", 0},
    {"exif-5.png", "exif-5", 0},
    {"exif-6.png", "exif-6", 0},
    {"exif-7.png", "exif-7", 0},
    {"exif-8.png", "exif-8", 0},
    {"exif.jpg", "exif", 0},
    {"exif-1.jpg", "exif-jpg-1", 0},
    {"exif-2.jpg", "exif-jpg-2", 0},
    {"exif-3.jpg", "exif-jpg-3", 0},
    {"exif-4.jpg", "exif-jpg-4", 0},
    {"exif-5.jpg", "exif-jpg-5", 0},
    {"exif-6.jpg", "exif-jpg-6", 0},
    {"exif-7.jpg", "exif-jpg-7", 0},
    {"exif-8.jpg", "exif-jpg-8", 0},
    {"exif.webp", "exif-webp", 0},
    {"exif-1.webp", "exif-webp-1", 0},
    {"exif-2.webp", "exif-webp-2", 0},
    {"exif-3.webp", "exif-webp-3", 0},
    {"exif-4.webp", "exif-webp-4", 0},
    {"exif-5.webp", "exif-webp-5", 0},
    {"exif-6.webp", "exif-webp-6", 0},
    {"exif-7.webp", "exif-webp-7", 0},
    {"exif-8.webp", "exif-webp-8", 0},
    {"progressive.jpg", "progressive", 0},
    {"subsampled.jpg", "subsampled", 0},
    {"subsampled-progressive.jpg", "subsampled-progressive", 0},
    {"restarts.jpg", "restarts", 0},
    {"keep-rgb.jpg", "keep-rgb", 0},
    {"grey.jpg", "grey-jpg", 0},
    {"cmyk.jpg", "cmyk", 0},
    {"cmyk-plain.jpg", "cmyk-plain", 0},
    {"ycck.jpg", "ycck", 0},
    {"alpha.webp", "alpha-webp", 1},
    {"lossy.webp", "lossy", 0},
    {"lossy-alpha.webp", "lossy-alpha", 1},
    {"icc-wide.png", "icc-wide", 2},
    {"icc-odd.png", "icc-odd", 2},
    {"icc-odd.webp", "icc-odd", 2},
    {"icc-odd.jpg", "icc-odd-jpg", 2},
    {"icc-grey.png", "icc-grey", 2},
    {"icc-grey.jpg", "icc-grey-jpg", 2},
    {"icc-alpha.png", "icc-alpha", 2},
    {"icc-deep.png", "icc-deep", 2},
    {"icc-cmyk.jpg", "icc-cmyk", 2},
    {"icc-damaged.png", "icc-damaged", 0},
    {"icc-other.png", "icc-other", 0},
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

TEST(ReadTexts, ReadsEveryKindThatPillowWrites) {
  const TextChunks texts = read_texts(kPictures / "texts.png");
  EXPECT_EQ(texts.size(), 5U);
  EXPECT_EQ(texts.at("parameters"), "a fox\nSteps: 20, Seed: 1");
  EXPECT_EQ(texts.at("Latin"), "naïve ü");
  EXPECT_EQ(texts.at("packed"), std::string(2000, 'x'));
  EXPECT_EQ(texts.at("iclora"), "{\"prompt\": \"狐 🦊\"}");
  EXPECT_EQ(texts.at("packed too").size(), 1500U);
  EXPECT_TRUE(read_texts(kPictures / "grey.jpg").empty());
}

TEST(WritePng, RefusesNamesAndTextsThatNoReaderTakes) {
  const Image picture(1, 1);
  for (const std::string& name : {std::string(), std::string(80, 'x'), std::string("狐"),
                                  std::string("a\nb"), std::string("a\0b", 3)}) {
    EXPECT_THROW(encode_png(picture, {{name, "text"}}), Error) << name;
  }
  EXPECT_THROW(encode_png(picture, {{"iclora", std::string((1 << 20) + 1, 'x')}}), Error);
  EXPECT_NO_THROW(encode_png(picture, {{"iclora", std::string(1 << 20, 'x')}}));
}

TEST(DescribeImage, TellsFormatAndSize) {
  const auto describe = [](const char* file) {
    return describe_image(read_file(kPictures / file, 1 << 20), file);
  };
  EXPECT_EQ(describe("palette.png")["colour"], "palette");
  EXPECT_EQ(describe("deep.png")["bit_depth"], 16);
  EXPECT_EQ(describe("cmyk.jpg")["colour"], "cmyk");
  EXPECT_EQ(describe("alpha.webp")["width"], 24);
  EXPECT_EQ(describe("interlaced-rgb.png")["interlaced"], true);
  EXPECT_EQ(describe("progressive.jpg")["progressive"], true);
  EXPECT_EQ(describe("subsampled.jpg")["progressive"], false);
  EXPECT_EQ(describe("lossy.webp")["lossy"], true);
  EXPECT_EQ(describe("exif-6.jpg")["orientation"], 6);
  EXPECT_EQ(describe("icc-odd.webp")["profile"], "odd");
}

}  // namespace
}  // namespace iclora::image
