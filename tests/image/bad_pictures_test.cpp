#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "core/error.h"
#include "core/file.h"
#include "image/png_chunks.h"
#include "image/png_write.h"
#include "image/read.h"

namespace iclora::image {
namespace {

using testing::HasSubstr;

const std::filesystem::path kPictures = ICLORA_FIXTURES "/pictures";

std::string bytes_of(const char* file) {
  return read_file(kPictures / file, 1 << 20);
}

std::string message_of(const std::string& bytes) {
  try {
    decode_image(bytes, "picture");
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), 2);
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.what();
  }
  return "accepted";
}

std::string number(uint32_t value) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(value >> shift & 0xFF));
  return out;
}

std::string chunk(const std::string& type, const std::string& data) {
  const std::string covered = type + data;
  return number(static_cast<uint32_t>(data.size())) + covered +
         number(static_cast<uint32_t>(crc32(crc32(0, nullptr, 0),
                                            reinterpret_cast<const Bytef*>(covered.data()),
                                            static_cast<uInt>(covered.size()))));
}

std::string header(uint32_t width, uint32_t height, char depth, char colour, char interlace = 0) {
  return chunk("IHDR",
               number(width) + number(height) + std::string{depth, colour, 0, 0, interlace});
}

std::string png(const std::string& chunks) {
  return std::string(kPngSignature) + chunks;
}

std::string deflated(const std::string& bytes) {
  uLongf size = compressBound(bytes.size());
  std::string out(size, '\0');
  compress(reinterpret_cast<Bytef*>(out.data()), &size,
           reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  out.resize(size);
  return out;
}

// Cut anywhere, each kind is refused in a sentence: no crash, no grey filling.
TEST(BadPictures, EveryKindIsRefusedWhereverItIsCut) {
  int cases = 0;
  for (const char* file : {"rgb.png", "palette.png", "alpha.png", "exif.jpg", "progressive.jpg",
                           "cmyk.jpg", "alpha.webp", "exif.webp"}) {
    const std::string whole = bytes_of(file);
    // What stands behind the last pixel (an end mark, metadata) may be missing from JPEG and WebP.
    const size_t end = std::string(file).ends_with("png") ? whole.size() : whole.size() * 8 / 10;
    for (size_t length = 0; length < end; length += 1 + end / 60) {
      ++cases;
      EXPECT_NE(message_of(whole.substr(0, length)), "accepted") << file << " cut at " << length;
    }
  }
  EXPECT_GT(cases, 400);
}

TEST(BadPictures, ABitFlippedInAPngIsNoticed) {
  const std::string whole = bytes_of("rgb.png");
  for (size_t at = 8; at < whole.size(); at += 7) {
    std::string bad = whole;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    EXPECT_NE(message_of(bad), "accepted") << at;
  }
}

TEST(BadPictures, BombsAndOddSizesAreRefusedBeforeAnythingIsAllocated) {
  const std::string end = chunk("IEND", "");
  const std::string little = chunk("IDAT", deflated(std::string(100, '\0')));
  EXPECT_THAT(message_of(png(header(65535, 65535, 1, 0) + little + end)),
              HasSubstr("65535 x 65535"));
  EXPECT_THAT(message_of(png(header(16385, 100, 8, 2) + little + end)), HasSubstr("16385"));
  EXPECT_THAT(message_of(png(header(16384, 16, 8, 2) + little + end)), HasSubstr("200 times"));
  EXPECT_THAT(message_of(png(header(0, 10, 8, 2) + little + end)), HasSubstr("no pixels"));
  EXPECT_THAT(message_of(png(header(10, 10, 8, 2) + end)), HasSubstr("cannot be decoded"));
  EXPECT_THAT(message_of(png(header(10, 10, 3, 2) + little + end)), HasSubstr("cannot be decoded"));
  EXPECT_THAT(message_of(png(header(10, 10, 8, 5) + little + end)), HasSubstr("cannot be decoded"));
  EXPECT_THAT(message_of(png(header(10, 10, 8, 3) + little + end)), HasSubstr("cannot be decoded"));
  EXPECT_THAT(message_of(png(header(500, 500, 8, 2) + little + end)),
              HasSubstr("cannot be decoded"));
  EXPECT_THAT(message_of(png(little + header(10, 10, 8, 2) + end)), HasSubstr("header"));
  EXPECT_THAT(message_of(png(header(10, 10, 8, 2) + little)), HasSubstr("truncated"));
  EXPECT_THAT(message_of(png(header(10, 10, 8, 2) + number(0xFFFFFFFF) + "IDAT" + "xxxxxxxx")),
              HasSubstr("truncated"));
  EXPECT_THAT(message_of(png(chunk("I\x01"
                                   "DR",
                                   "x") +
                             end)),
              HasSubstr("damaged name"));
  std::string many = header(10, 10, 8, 2);
  for (int i = 0; i < 25000; ++i) many += chunk("teSt", "");
  EXPECT_THAT(message_of(png(many + end)), HasSubstr("more than"));
}

TEST(BadPictures, TextAndProfileBombsAreLimited) {
  const std::string end = chunk("IEND", "");
  const std::string bomb = deflated(std::string(64 << 20, 'x'));
  const auto texts = [](const std::string& bytes) -> std::string {
    try {
      png_texts(png_chunks(bytes, "picture"), "picture");
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  const std::string start = header(10, 10, 8, 2);
  EXPECT_THAT(texts(png(start + chunk("zTXt", "a" + std::string(2, '\0') + bomb) + end)),
              HasSubstr("larger than"));
  EXPECT_THAT(texts(png(start + chunk("iTXt", "a" + std::string("\0\1\0\0\0", 5) + bomb) + end)),
              HasSubstr("larger than"));
  EXPECT_THAT(
      texts(
          png(start + chunk("tEXt", "a" + std::string(1, '\0') + std::string(3 << 20, 'y')) + end)),
      HasSubstr("larger than"));
  EXPECT_THAT(texts(png(start + chunk("zTXt", "a" + std::string(2, '\0') + "junk") + end)),
              HasSubstr("damaged"));
  EXPECT_THAT(message_of(png(start + chunk("iCCP", "a" + std::string(2, '\0') + bomb) + end)),
              HasSubstr("larger than"));
}

TEST(BadPictures, OtherKindsAndAnimationsAreNamed) {
  EXPECT_THAT(message_of(""), HasSubstr("is empty"));
  EXPECT_THAT(message_of("GIF89a......"), HasSubstr("expected PNG, JPEG or WebP"));
  EXPECT_THAT(message_of("<svg xmlns='http://www.w3.org/2000/svg'/>"), HasSubstr("expected PNG"));
  EXPECT_THAT(message_of(std::string(1000, '\0')), HasSubstr("expected PNG"));
  EXPECT_THAT(message_of(bytes_of("animated.webp")), HasSubstr("animation"));
  EXPECT_THAT(message_of("\xFF\xD8\xFF\xE0"), HasSubstr("cannot be decoded"));
  EXPECT_THAT(message_of(std::string("RIFF\x10\0\0\0WEBPVP8 ", 16)), HasSubstr("WebP"));
}

TEST(BadPictures, AJpegOfThousandsOfScansIsRefused) {
  // The last scan of a progressive file, repeated.
  std::string bytes = bytes_of("progressive.jpg");
  const size_t scan = bytes.rfind("\xFF\xDA");
  const std::string one = bytes.substr(scan, bytes.size() - scan - 2);
  std::string bad = bytes.substr(0, bytes.size() - 2);
  for (int i = 0; i < 3000; ++i) bad += one;
  bad += "\xFF\xD9";
  EXPECT_NE(message_of(bad), "accepted");
}

}  // namespace
}  // namespace iclora::image
