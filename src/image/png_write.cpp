#include "image/png_write.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <optional>

#include "core/error.h"
#include "core/file.h"

namespace iclora::image {
namespace {

void append_number(std::string& out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(value >> shift & 0xFF));
}

void append_chunk(std::string& out, std::string_view type, std::string_view data) {
  if (data.size() > 0x7FFFFFFF) {
    fail_input("The picture's '{}' is too large for a PNG ({} bytes).", type, data.size());
  }
  append_number(out, static_cast<uint32_t>(data.size()));
  const size_t covered = out.size();
  out += type;
  out += data;
  append_number(out, static_cast<uint32_t>(crc32(crc32(0, nullptr, 0),
                                                 reinterpret_cast<const Bytef*>(&out[covered]),
                                                 static_cast<uInt>(data.size() + 4))));
}

/// UTF-8 as Latin-1, where all of its characters are printable there (or line ends, tabs).
std::optional<std::string> to_latin1(std::string_view utf8) {
  std::string out;
  for (size_t i = 0; i < utf8.size(); ++i) {
    const auto byte = static_cast<unsigned char>(utf8[i]);
    if ((byte == 0xC2 || byte == 0xC3) && i + 1 < utf8.size()) {
      const auto next = static_cast<unsigned char>(utf8[++i]);
      const int character = (byte & 3) << 6 | (next & 0x3F);
      if ((next & 0xC0) != 0x80 || character < 0xA0) return std::nullopt;
      out.push_back(static_cast<char>(character));
    } else if ((byte >= 0x20 && byte < 0x7F) || byte == '\n' || byte == '\r' || byte == '\t') {
      out.push_back(utf8[i]);
    } else {
      return std::nullopt;
    }
  }
  return out;
}

void append_text(std::string& out, std::string_view name, std::string_view text) {
  const std::optional<std::string> keyword = to_latin1(name);
  if (!keyword || keyword->empty() || keyword->size() > 79 ||
      keyword->find_first_of("\n\r\t") != std::string::npos) {
    fail_input("A text in a PNG needs a name of 1 to 79 characters of Latin-1, but one is '{}'.",
               printable(name));
  }
  const std::optional<std::string> latin1 = name == "iclora" ? std::nullopt : to_latin1(text);
  if ((latin1 ? latin1->size() : text.size()) > kMaximumTextBytes) {
    fail_input("The text '{}' for a picture has {} bytes; at most {} are written.", printable(name),
               text.size(), kMaximumTextBytes);
  }
  if (latin1) {
    append_chunk(out, "tEXt", *keyword + '\0' + *latin1);
  } else {
    append_chunk(out, "iTXt", *keyword + std::string(5, '\0') + std::string(text));
  }
}

constexpr size_t kPixel = 3;

uint8_t paeth(int a, int b, int c) {
  const int pa = std::abs(b - c);
  const int pb = std::abs(a - c);
  const int pc = std::abs(a + b - 2 * c);
  return static_cast<uint8_t>(pa <= pb && pa <= pc ? a : pb <= pc ? b : c);
}

/// One row filtered by what `guess(left, above, above left)` says of each byte. `row` and `above`
/// have a pixel of zeros in front. Returns the sum of the bytes taken as signed.
template <typename Guess>
int64_t filter_row(const uint8_t* row, const uint8_t* above, size_t bytes, uint8_t* out,
                   const Guess& guess) {
  int64_t sum = 0;
  for (size_t i = 0; i < bytes; ++i) {
    const size_t at = i + kPixel;
    out[i] = static_cast<uint8_t>(row[at] - guess(row[i], above[at], above[i]));
    sum += std::abs(static_cast<int8_t>(out[i]));
  }
  return sum;
}

/// A zlib stream of what is put into it.
class Deflater {
 public:
  Deflater() {
    if (deflateInit(&stream_, 6) != Z_OK) {
      fail(ErrorKind::memory, "The picture cannot be compressed: out of memory.");
    }
  }
  ~Deflater() { deflateEnd(&stream_); }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  void put(const uint8_t* bytes, size_t count, int flush, std::string& out) {
    stream_.next_in = const_cast<Bytef*>(bytes);
    stream_.avail_in = static_cast<uInt>(count);
    do {
      stream_.next_out = piece_.data();
      stream_.avail_out = static_cast<uInt>(piece_.size());
      deflate(&stream_, flush);
      out.append(reinterpret_cast<const char*>(piece_.data()), piece_.size() - stream_.avail_out);
    } while (stream_.avail_out == 0);
  }

 private:
  z_stream stream_{};
  std::array<Bytef, 1 << 15> piece_{};
};

/// Each row filtered in the way whose bytes, taken as signed, are smallest in sum (the PNG
/// specification's own advice), then deflated.
std::string compressed_rows(const Image& picture) {
  const auto bytes = static_cast<size_t>(picture.width) * kPixel;
  std::vector<uint8_t> row(kPixel + bytes);
  std::vector<uint8_t> above(kPixel + bytes);
  std::vector<uint8_t> best(1 + bytes);
  std::vector<uint8_t> tried(1 + bytes);
  const auto deflater = std::make_unique<Deflater>();
  std::string out;
  for (int64_t y = 0; y < picture.height; ++y) {
    std::copy_n(picture.row(y), bytes, row.begin() + kPixel);
    int64_t best_sum = -1;
    const auto attempt = [&](uint8_t filter, const auto& guess) {
      const int64_t sum = filter_row(row.data(), above.data(), bytes, tried.data() + 1, guess);
      if (best_sum >= 0 && sum >= best_sum) return;
      best_sum = sum;
      tried[0] = filter;
      std::swap(best, tried);
    };
    attempt(0, [](int, int, int) { return 0; });
    attempt(1, [](int a, int, int) { return a; });
    attempt(2, [](int, int b, int) { return b; });
    attempt(3, [](int a, int b, int) { return (a + b) / 2; });
    attempt(4, [](int a, int b, int c) { return paeth(a, b, c); });
    deflater->put(best.data(), best.size(), Z_NO_FLUSH, out);
    std::swap(row, above);
  }
  deflater->put(nullptr, 0, Z_FINISH, out);
  return out;
}

}  // namespace

std::string encode_png(const Image& picture, const Texts& texts) {
  if (picture.width < 1 || picture.height < 1 ||
      picture.rgb.size() != static_cast<size_t>(picture.width * picture.height) * kPixel) {
    fail(ErrorKind::internal, "encode_png: {} bytes for {} x {} pixels.", picture.rgb.size(),
         picture.width, picture.height);
  }
  std::string out(kPngSignature);
  std::string header;
  append_number(header, static_cast<uint32_t>(picture.width));
  append_number(header, static_cast<uint32_t>(picture.height));
  header += std::string("\x08\x02\x00\x00\x00", 5);  // 8 bits, RGB, not interlaced
  append_chunk(out, "IHDR", header);
  append_chunk(out, "sRGB", std::string(1, '\0'));
  for (const auto& [name, text] : texts) append_text(out, name, text);
  append_chunk(out, "IDAT", compressed_rows(picture));
  append_chunk(out, "IEND", "");
  return out;
}

void write_png(const std::filesystem::path& path, const Image& picture, const Texts& texts) {
  write_file(path, encode_png(picture, texts));
}

}  // namespace iclora::image
