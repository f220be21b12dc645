#include "image/png_chunks.h"

#include <zlib.h>

#include <algorithm>

#include "core/error.h"
#include "core/file.h"
#include "image/image.h"

namespace iclora::image {
namespace {

constexpr size_t kMostChunks = 20000;

uint32_t big_endian(std::string_view bytes) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i)
    value = value << 8 | static_cast<unsigned char>(bytes[static_cast<size_t>(i)]);
  return value;
}

std::string latin1_to_utf8(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out.push_back(c);
    } else {
      out.push_back(static_cast<char>(0xC0 | byte >> 6));
      out.push_back(static_cast<char>(0x80 | (byte & 0x3F)));
    }
  }
  return out;
}

/// Takes what stands before the next zero byte.
std::string_view take_word(std::string_view& rest) {
  const size_t end = rest.find('\0');
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return word;
}

}  // namespace

std::vector<PngChunk> png_chunks(std::string_view bytes, const std::string& origin) {
  if (!bytes.starts_with(kPngSignature)) fail_input("{} is not a PNG file.", origin);
  std::string_view rest = bytes.substr(kPngSignature.size());
  std::vector<PngChunk> chunks;
  while (true) {
    if (rest.size() < 12) fail_input("{}: the PNG is truncated; copy the file again.", origin);
    const uint32_t length = big_endian(rest);
    if (length > rest.size() - 12) {
      fail_input("{}: the PNG is truncated (a chunk of {} bytes, {} left); copy the file again.",
                 origin, length, rest.size() - 12);
    }
    const std::string_view type = rest.substr(4, 4);
    if (!std::all_of(type.begin(), type.end(),
                     [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); })) {
      fail_input("{}: the PNG has a chunk with a damaged name.", origin);
    }
    const auto* covered = reinterpret_cast<const Bytef*>(rest.data() + 4);
    if (crc32(crc32(0, nullptr, 0), covered, length + 4) != big_endian(rest.substr(8 + length))) {
      fail_input("{}: the PNG's chunk '{}' is damaged (wrong checksum); copy the file again.",
                 origin, type);
    }
    if (chunks.size() == kMostChunks)
      fail_input("{}: the PNG has more than {} chunks.", origin, kMostChunks);
    chunks.push_back({std::string(type), rest.substr(8, length)});
    rest.remove_prefix(12 + length);
    if (type == "IEND") break;
  }
  if (chunks.front().type != "IHDR" || chunks.front().data.size() != 13) {
    fail_input("{}: the PNG does not begin with its header.", origin);
  }
  return chunks;
}

std::string inflate_limited(std::string_view deflated, uint64_t limit, const std::string& origin,
                            const std::string& what) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) fail(ErrorKind::memory, "{}: zlib cannot start.", origin);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(deflated.data()));
  stream.avail_in = static_cast<uInt>(deflated.size());
  std::string out;
  int status = Z_OK;
  while (status == Z_OK && out.size() <= limit) {
    char piece[1 << 14];
    stream.next_out = reinterpret_cast<Bytef*>(piece);
    stream.avail_out = sizeof piece;
    status = inflate(&stream, Z_NO_FLUSH);
    out.append(piece, sizeof piece - stream.avail_out);
  }
  inflateEnd(&stream);
  if (out.size() > limit) {
    fail_input("{}: {} is larger than {} bytes when inflated.", origin, what, limit);
  }
  if (status != Z_STREAM_END) fail_input("{}: {} is damaged.", origin, what);
  return out;
}

TextChunks png_texts(const std::vector<PngChunk>& chunks, const std::string& origin) {
  TextChunks texts;
  for (const PngChunk& chunk : chunks) {
    if (chunk.type != "tEXt" && chunk.type != "zTXt" && chunk.type != "iTXt") continue;
    std::string_view rest = chunk.data;
    const std::string keyword = latin1_to_utf8(take_word(rest));
    const std::string what = "the text '" + printable(keyword) + "'";
    std::string text;
    if (chunk.type == "tEXt") {
      text = latin1_to_utf8(rest);
    } else if (chunk.type == "zTXt") {
      if (rest.empty() || rest[0] != 0) fail_input("{}: {} is damaged.", origin, what);
      text = latin1_to_utf8(inflate_limited(rest.substr(1), kMaximumTextBytes, origin, what));
    } else {
      if (rest.size() < 2) fail_input("{}: {} is damaged.", origin, what);
      const bool compressed = rest[0] != 0;
      rest.remove_prefix(2);
      take_word(rest);  // language
      take_word(rest);  // translated keyword
      text =
          compressed ? inflate_limited(rest, kMaximumTextBytes, origin, what) : std::string(rest);
    }
    if (text.size() > 2 * kMaximumTextBytes) {
      fail_input("{}: {} is larger than {} bytes.", origin, what, kMaximumTextBytes);
    }
    texts.emplace(keyword, std::move(text));
  }
  return texts;
}

TextChunks read_texts(const std::filesystem::path& path) {
  const std::string bytes = read_file(path, kMaximumFileBytes);
  if (!bytes.starts_with(kPngSignature)) return {};
  const std::string origin = "'" + printable(path.native(), 400) + "'";
  return png_texts(png_chunks(bytes, origin), origin);
}

}  // namespace iclora::image
