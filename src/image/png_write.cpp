#include "image/png_write.h"

#include <zlib.h>

#include <algorithm>
#include <cstdlib>

#include "core/error.h"
#include "core/file.h"
#include "image/png_chunks.h"

namespace iclora::image {
namespace {

void append_number(std::string& out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(value >> shift & 0xFF));
}

void append_chunk(std::string& out, std::string_view type, std::string_view data) {
  append_number(out, static_cast<uint32_t>(data.size()));
  const size_t covered = out.size();
  out += type;
  out += data;
  append_number(out, static_cast<uint32_t>(crc32(crc32(0, nullptr, 0),
                                                 reinterpret_cast<const Bytef*>(&out[covered]),
                                                 static_cast<uInt>(data.size() + 4))));
}

uint8_t paeth(int a, int b, int c) {
  const int p = a + b - c;
  const int pa = std::abs(p - a);
  const int pb = std::abs(p - b);
  const int pc = std::abs(p - c);
  return static_cast<uint8_t>(pa <= pb && pa <= pc ? a : pb <= pc ? b : c);
}

/// Each row filtered in the way whose bytes, taken as signed, are smallest in sum (the PNG
/// specification's own advice).
std::string filtered_rows(const Image& picture) {
  const auto row_bytes = static_cast<size_t>(picture.width) * 3;
  const std::vector<uint8_t> nothing(row_bytes);
  std::string out;
  out.reserve((row_bytes + 1) * static_cast<size_t>(picture.height));
  std::vector<uint8_t> best(row_bytes);
  std::vector<uint8_t> tried(row_bytes);
  for (int64_t y = 0; y < picture.height; ++y) {
    const uint8_t* row = picture.row(y);
    const uint8_t* above = y > 0 ? picture.row(y - 1) : nothing.data();
    int64_t best_sum = -1;
    char best_filter = 0;
    for (char filter = 0; filter < 5; ++filter) {
      int64_t sum = 0;
      for (size_t i = 0; i < row_bytes; ++i) {
        const int a = i >= 3 ? row[i - 3] : 0;
        const int b = above[i];
        const int c = i >= 3 ? above[i - 3] : 0;
        const int guess = filter == 0   ? 0
                          : filter == 1 ? a
                          : filter == 2 ? b
                          : filter == 3 ? (a + b) / 2
                                        : paeth(a, b, c);
        tried[i] = static_cast<uint8_t>(row[i] - guess);
        sum += std::abs(static_cast<int8_t>(tried[i]));
      }
      if (best_sum < 0 || sum < best_sum) {
        best_sum = sum;
        best_filter = filter;
        std::swap(best, tried);
      }
    }
    out.push_back(best_filter);
    out.append(reinterpret_cast<const char*>(best.data()), row_bytes);
  }
  return out;
}

std::string deflate_bytes(const std::string& bytes) {
  uLongf size = compressBound(bytes.size());
  std::string out(size, '\0');
  if (compress2(reinterpret_cast<Bytef*>(out.data()), &size,
                reinterpret_cast<const Bytef*>(bytes.data()), bytes.size(), 6) != Z_OK) {
    fail(ErrorKind::memory, "The picture cannot be compressed: out of memory.");
  }
  out.resize(size);
  return out;
}

}  // namespace

std::string encode_png(const Image& picture, const Texts& texts) {
  std::string out(kPngSignature);
  std::string header;
  append_number(header, static_cast<uint32_t>(picture.width));
  append_number(header, static_cast<uint32_t>(picture.height));
  header += std::string("\x08\x02\x00\x00\x00", 5);  // 8 bits, RGB, not interlaced
  append_chunk(out, "IHDR", header);
  append_chunk(out, "sRGB", std::string(1, '\0'));
  for (const auto& [keyword, text] : texts) {
    const bool ascii = std::all_of(text.begin(), text.end(),
                                   [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    if (ascii && keyword != "iclora") {
      append_chunk(out, "tEXt", keyword + '\0' + text);
    } else {
      append_chunk(out, "iTXt", keyword + std::string(5, '\0') + text);
    }
  }
  append_chunk(out, "IDAT", deflate_bytes(filtered_rows(picture)));
  append_chunk(out, "IEND", "");
  return out;
}

void write_png(const std::filesystem::path& path, const Image& picture, const Texts& texts) {
  write_file(path, encode_png(picture, texts));
}

}  // namespace iclora::image
