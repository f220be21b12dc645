#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <zlib.h>

#include "core/error.h"
#include "core/file.h"
#include "image/png_chunks.h"
#include "image/png_write.h"
#include "image/read.h"
#include "refusal.h"
#include "scratch.h"

namespace iclora::image {
namespace {

using testing::HasSubstr;
using testing_support::refusal_of;

const std::filesystem::path kPictures = ICLORA_FIXTURES "/pictures";

std::string bytes_of(const char* file) {
  return read_file(kPictures / file, 1 << 20);
}

std::string message_of(const std::string& bytes) {
  return refusal_of([&] { decode_image(bytes, "picture"); });
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

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

// Cut anywhere, each kind is refused in a sentence: no crash, no grey filling.
TEST(BadPictures, EveryKindIsRefusedWhereverItIsCut) {
  int cases = 0;
  for (const char* file :
       {"rgb.png", "palette.png", "alpha.png", "interlaced-rgb.png", "deep-rgba.png", "exif.jpg",
        "progressive.jpg", "cmyk.jpg", "restarts.jpg", "icc-odd.jpg", "alpha.webp", "exif.webp",
        "lossy.webp", "lossy-alpha.webp"}) {
    const std::string whole = bytes_of(file);
    for (size_t length = 0; length < whole.size(); length += 1 + whole.size() / 80) {
      ++cases;
      EXPECT_NE(message_of(whole.substr(0, length)), "accepted") << file << " cut at " << length;
    }
    EXPECT_NE(message_of(whole.substr(0, whole.size() - 1)), "accepted") << file;
    EXPECT_EQ(message_of(whole), "accepted") << file;
  }
  EXPECT_GT(cases, 900);
}

TEST(BadPictures, ABitFlippedInAPngIsNoticed) {
  const std::string whole = bytes_of("rgb.png");
  for (size_t at = 8; at < whole.size(); at += 7) {
    std::string bad = whole;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    EXPECT_NE(message_of(bad), "accepted") << at;
  }
}

struct Bad {
  const char* name;
  std::string bytes;
  const char* says;  ///< a part of the sentence
};

const std::string kEnd = chunk("IEND", "");

/// A picture of 10 x 10 RGB with other chunks before the pixels.
std::string png_with(const std::string& chunks) {
  return png(header(10, 10, 8, 2) + chunks + chunk("IDAT", deflated(std::string(310, '\0'))) +
             kEnd);
}

std::string named(const std::string& type, const std::string& name, const std::string& data) {
  return chunk(type, name + '\0' + data);
}

std::vector<Bad> bad_pngs() {
  const std::string little = chunk("IDAT", deflated(std::string(310, '\0')));
  const std::string usual = header(10, 10, 8, 2);
  const auto sized = [&](uint32_t width, uint32_t height, char depth = 8, char colour = 2) {
    return png(header(width, height, depth, colour) + little + kEnd);
  };
  std::string many = usual;
  for (int i = 0; i < 100000; ++i) many += chunk("teSt", "");
  std::string flipped = png(usual + little + kEnd);
  flipped[flipped.size() - 20] = static_cast<char>(flipped[flipped.size() - 20] ^ 1);
  std::string odd_filter(310, '\0');
  odd_filter[31] = 9;
  std::string broken_stream = deflated(std::string(310, 'x'));
  broken_stream[4] = static_cast<char>(broken_stream[4] ^ 0x55);
  const std::string methods = number(10) + number(10) + std::string("\x08\x02", 2);
  return {
      {"65535 x 65535 of one bit", sized(65535, 65535, 1, 0), "65535 x 65535"},
      {"wide by one", sized(16385, 100), "16385"},
      {"8193 x 8193", sized(8193, 8193), "67108864 in all"},
      {"2^31 - 1 wide", sized(0x7FFFFFFF, 1), "at most 16384"},
      {"2^32 - 1 square", sized(0xFFFFFFFF, 0xFFFFFFFF), "at most 16384"},
      {"1024 times wider than high", sized(16384, 16), "200 times"},
      {"201 times higher than wide", sized(1, 201), "200 times"},
      {"no width", sized(0, 10), "no pixels"},
      {"no height", sized(10, 0), "no pixels"},
      {"three bits", sized(10, 10, 3), "cannot be decoded"},
      {"16 bits of palette", sized(10, 10, 16, 3), "cannot be decoded"},
      {"colour type 5", sized(10, 10, 8, 5), "colour type 5"},
      {"colour type 200", sized(10, 10, 8, static_cast<char>(200)), "colour type 200"},
      {"no palette", sized(10, 10, 8, 3), "cannot be decoded"},
      {"too few pixels", sized(500, 500), "cannot be decoded"},
      {"no pixels at all", png(usual + kEnd), "cannot be decoded"},
      {"an empty IDAT", png(usual + chunk("IDAT", "") + kEnd), "cannot be decoded"},
      {"no end", png(usual + little), "truncated"},
      {"nothing but the signature", png(""), "truncated"},
      {"only an end", png(kEnd), "header"},
      {"pixels first", png(little + usual + kEnd), "header"},
      {"two headers", png(usual + usual + little + kEnd), "cannot be decoded"},
      {"a short header", png(chunk("IHDR", methods) + little + kEnd), "header"},
      {"compression 1", png(chunk("IHDR", methods + std::string("\1\0\0", 3)) + little + kEnd),
       "cannot be decoded"},
      {"filtering 1", png(chunk("IHDR", methods + std::string("\0\1\0", 3)) + little + kEnd),
       "cannot be decoded"},
      {"interlacing 2", png(chunk("IHDR", methods + std::string("\0\0\2", 3)) + little + kEnd),
       "cannot be decoded"},
      {"row filter 9", png(usual + chunk("IDAT", deflated(odd_filter)) + kEnd),
       "cannot be decoded"},
      {"a broken stream", png(usual + chunk("IDAT", broken_stream) + kEnd), "cannot be decoded"},
      {"a chunk of 4 GB", png(usual + number(0xFFFFFFFF) + "IDATxxxxxxxx"), "truncated"},
      {"a chunk name of control characters", png(chunk("I\x01XX", "x") + kEnd), "damaged name"},
      {"a wrong checksum", flipped, "wrong checksum"},
      {"a line feed for the signature's line end", "\x89PNG\n\x1a\n" + usual + little + kEnd,
       "expected PNG"},
      {"100,000 chunks", png(many + kEnd), "more than 20000 chunks"},
      {"transparency for RGBA",
       png(header(10, 10, 8, 6) + chunk("tRNS", "123456") +
           chunk("IDAT", deflated(std::string(410, '\0'))) + kEnd),
       "accepted"},  // libpng and all browsers pass over it
      {"transparency of one byte", png_with(chunk("tRNS", "1")), "transparency"},
  };
}

std::vector<Bad> bad_texts() {
  const std::string bomb = deflated(std::string(64 << 20, 'x'));
  const std::string method(1, '\0');
  const std::string megabyte = deflated(std::string(1 << 20, 'x'));
  std::string crowd;
  for (int i = 0; i < 600; ++i) crowd += named("zTXt", std::to_string(i), method + megabyte);
  std::string damaged_crowd;
  for (int i = 0; i < 1000; ++i) {
    damaged_crowd += named("zTXt", std::to_string(i), method + megabyte.substr(0, 900));
  }
  return {
      {"a zTXt bomb", png_with(named("zTXt", "a", method + bomb)), "larger than 1048576"},
      {"an iTXt bomb", png_with(named("iTXt", "a", std::string("\1\0\0\0", 4) + bomb)),
       "larger than 1048576"},
      {"a long tEXt", png_with(named("tEXt", "a", std::string(3 << 20, 'y'))),
       "larger than 1048576"},
      {"many texts of a megabyte", png_with(crowd), "8388608 bytes together"},
      {"many damaged texts", png_with(damaged_crowd), "8388608 bytes together"},
      {"an iCCP bomb", png_with(named("iCCP", "a", method + bomb)), "colour profile is larger"},
  };
}

/// A JPEG's start of frame with other numbers; the rest of the file as it is.
std::string with_frame(std::string jpeg, size_t at, std::initializer_list<int> bytes) {
  size_t frame = std::min(jpeg.find("\xFF\xC0"), jpeg.find("\xFF\xC2"));
  for (const int byte : bytes) jpeg[frame + at++] = static_cast<char>(byte);
  return jpeg;
}

std::vector<Bad> bad_jpegs() {
  const std::string plain = bytes_of("exif.jpg");
  const std::string progressive = bytes_of("progressive.jpg");
  // The last scan again and again: each is cheap to store and costs a walk over the picture.
  const size_t scan = progressive.rfind("\xFF\xDA");
  const std::string one = progressive.substr(scan, progressive.size() - scan - 2);
  std::string scans = progressive.substr(0, progressive.size() - 2);
  for (int i = 0; i < 10000; ++i) scans += one;
  scans += "\xFF\xD9";
  std::string large = with_frame(progressive, 5, {0x20, 0, 0x20, 0});
  large.resize(large.size() - 2);
  for (int i = 0; i < 60; ++i) large += one;
  large += "\xFF\xD9";
  std::string no_tables = plain;
  for (size_t at; (at = no_tables.find("\xFF\xC4")) != std::string::npos;) {
    no_tables.erase(at, 2 + 256U * static_cast<unsigned char>(no_tables[at + 2]) +
                            static_cast<unsigned char>(no_tables[at + 3]));
  }
  std::string no_scan = plain.substr(0, plain.find("\xFF\xDA")) + "\xFF\xD9";
  std::string wild = plain;
  for (size_t at = plain.find("\xFF\xDA") + 14; at + 2 < wild.size(); ++at) wild[at] = '\x7E';
  return {
      {"only a start", "\xFF\xD8\xFF\xE0", "cannot be decoded"},
      {"start and end", "\xFF\xD8\xFF\xD9", "cannot be decoded"},
      {"no scan", no_scan, "cannot be decoded"},
      {"no Huffman tables", no_tables, "accepted"},  // the usual ones then, as in motion JPEG
      {"wild bits", wild, "cannot be decoded"},
      {"12 bits", with_frame(plain, 4, {12}), "cannot be decoded"},
      {"no height", with_frame(plain, 5, {0, 0}), "cannot be decoded"},
      {"no width", with_frame(plain, 7, {0, 0}), "cannot be decoded"},
      {"65500 square", with_frame(plain, 5, {0xFF, 0xDC, 0xFF, 0xDC}), "65500"},
      {"65535 square", with_frame(plain, 5, {0xFF, 0xFF, 0xFF, 0xFF}), "cannot be decoded"},
      {"8193 square", with_frame(plain, 5, {0x20, 1, 0x20, 1}), "67108864 in all"},
      {"300 times as wide", with_frame(plain, 5, {0, 10, 0x0B, 0xB8}), "200 times"},
      {"8192 square with the bits of a small one", with_frame(plain, 5, {0x20, 0, 0x20, 0}),
       "cannot be decoded"},
      {"the same, progressive", with_frame(progressive, 5, {0x20, 0, 0x20, 0}),
       "cannot be decoded"},
      {"a lossless frame", with_frame(plain, 1, {0xC3}), "cannot be decoded"},
      {"two components", with_frame(plain, 9, {2}), "cannot be decoded"},
      {"10,000 scans", scans, "scans"},
      {"60 scans of a large picture", large, "scans"},
  };
}

std::vector<Bad> bad_webps() {
  const std::string lossy = bytes_of("lossy.webp");
  const std::string lossless = bytes_of("alpha.webp");
  std::string longer = lossy;
  longer[4] = static_cast<char>(longer[4] + 20);
  std::string endless = lossy;
  for (size_t at = 4; at < 8; ++at) endless[at] = '\xFF';
  std::string wild = lossless;
  for (size_t at = 40; at < wild.size(); ++at) wild[at] = '\x55';
  // VP8L of 16384 x 16384: 14 bits each of width - 1 and height - 1.
  std::string large = std::string("RIFF\x1A\0\0\0WEBPVP8L\x0D\0\0\0\x2F\xFF\xFF\xFF\x0F", 25);
  large += std::string(9, '\0');
  return {
      {"an animation", bytes_of("animated.webp"), "animation"},
      {"only a header", std::string("RIFF\x10\0\0\0WEBPVP8 ", 16), "truncated"},
      {"nothing inside", std::string("RIFF\x04\0\0\0WEBP", 12), "damaged or truncated"},
      {"longer than the file", longer, "truncated WebP"},
      {"4 GB long", endless, "truncated WebP"},
      {"wild bits", wild, "damaged or truncated"},
      {"16384 square", large, "16384 x 16384"},
      {"another kind of RIFF", std::string("RIFF\x04\0\0\0WAVE", 12), "expected PNG"},
  };
}

std::vector<Bad> other_kinds() {
  return {
      {"an empty file", "", "is empty"},
      {"a GIF", "GIF89a......", "expected PNG, JPEG or WebP"},
      {"a drawing", "<svg xmlns='http://www.w3.org/2000/svg'/>", "expected PNG"},
      {"a bitmap", std::string("BM\x46\0\0\0\0\0\0\0", 10), "expected PNG"},
      {"a TIFF", std::string("II*\0\x08\0\0\0", 8), "expected PNG"},
      {"an AVIF",
       std::string("\0\0\0\x20"
                   "ftypavif\0\0\0\0",
                   16),
       "expected PNG"},
      {"zeros", std::string(1000, '\0'), "expected PNG"},
      {"text", "a fox in the snow", "expected PNG"},
      {"one byte", "\x89", "expected PNG"},
  };
}

/// The most memory that this process ever had, in bytes.
int64_t peak_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;
}

TEST(BadPictures, EachIsRefusedInOneSentenceAndInLittleMemory) {
  std::vector<Bad> all;
  for (const auto& part : {bad_pngs(), bad_texts(), bad_jpegs(), bad_webps(), other_kinds()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  EXPECT_GT(all.size(), 70U);
  const int64_t before = peak_bytes();
  for (const Bad& bad : all) EXPECT_THAT(message_of(bad.bytes), HasSubstr(bad.says)) << bad.name;
  // The sanitizers keep what was freed.
  if (!kSanitized) {
    EXPECT_LT(peak_bytes() - before, 64 << 20);
  }
}

TEST(BadPictures, TextsThatAreDamagedMatterOnlyToWhoReadsThem) {
  const std::string method(1, '\0');
  for (const std::string& text :
       {named("zTXt", "a", method + "junk"), named("zTXt", "a", ""), named("zTXt", "a", "\1x"),
        named("iTXt", "a", ""), named("iTXt", "a", std::string("\1\0\0\0", 4) + "junk"),
        named("iTXt", "a", std::string("\1\7\0\0", 4) + deflated("x"))}) {
    const std::string bytes = png_with(text);
    EXPECT_EQ(message_of(bytes), "accepted");
    EXPECT_THROW(png_texts(png_chunks(bytes, "picture"), "picture"), Error);
  }
  // Names that no PNG may have are passed over.
  for (const std::string& text :
       {chunk("tEXt", ""), chunk("tEXt", std::string("\0x", 2)),
        named("tEXt", std::string(80, 'k'), "x"), named("tEXt", "a\nb", "x")}) {
    EXPECT_TRUE(png_texts(png_chunks(png_with(text), "picture"), "picture").empty());
  }
}

TEST(BadPictures, TextsThatAreNoUtf8AreReadAsLatin1) {
  const auto text_of = [](const std::string& text) {
    const std::string bytes = png_with(named("iTXt", "a", std::string(4, '\0') + text));
    return png_texts(png_chunks(bytes, "picture"), "picture").at("a");
  };
  EXPECT_EQ(text_of("\xE7\x8B\x90"), "\xE7\x8B\x90");
  for (const char* bad : {"\xE7\x8B", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF",
                          "\x80", "\xE0\x80\x80", "\xF0\x80\x80\x80"}) {
    EXPECT_NO_THROW(Json(text_of(bad)).dump()) << bad;
  }
}

TEST(BadPictures, FilesThatAreNoneAreNamed) {
  const testing_support::ScratchFolder scratch;
  const auto says = [](const std::filesystem::path& path) -> std::string {
    return refusal_of([&] { read_image(path); });
  };
  EXPECT_THAT(says(scratch / "missing.png"), HasSubstr("missing.png"));
  EXPECT_THAT(says(scratch.path()), HasSubstr(scratch.path().native()));
  ::mkfifo((scratch / "pipe.png").c_str(), 0600);
  EXPECT_THAT(says(scratch / "pipe.png"), HasSubstr("pipe.png"));
  write_file(scratch / "large.png", "x");
  std::filesystem::resize_file(scratch / "large.png", (64 << 20) + 1);
  EXPECT_THAT(says(scratch / "large.png"), HasSubstr("67108864"));
  write_file(scratch / "a\nb.png", "no picture");
  EXPECT_EQ(says(scratch / "a\nb.png").find('\n'), std::string::npos);
}

}  // namespace
}  // namespace iclora::image
