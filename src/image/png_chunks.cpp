#include "image/png_chunks.h"

#include <zlib.h>

#include <algorithm>

#include "core/error.h"
#include "core/file.h"
#include "image/image.h"

namespace iclora::image {
namespace {

constexpr size_t kMostChunks = 20000;
constexpr uint64_t kMaximumTextTotal = 8 * kMaximumTextBytes;
constexpr uint64_t kMaximumProfileBytes = uint64_t{4} << 20;

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

bool is_utf8(std::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t length = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (length == 0 || lead > 0xF4 || length > text.size() - i) return false;
    for (size_t k = 1; k < length; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xC0) != 0x80) return false;
    }
    if (length > 2) {  // overlong forms, surrogates, beyond U+10FFFF
      const auto second = static_cast<unsigned char>(text[i + 1]);
      if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
          (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) {
        return false;
      }
    }
    i += length;
  }
  return true;
}

/// Takes what stands before the next zero byte.
std::string_view take_word(std::string_view& rest) {
  const size_t end = rest.find('\0');
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return word;
}

/// A text chunk taken apart; the text itself still as stored.
struct StoredText {
  std::string keyword;  ///< UTF-8
  std::string what;     ///< for messages
  std::string_view stored;
  bool compressed = false;
  bool utf8 = false;
  bool damaged = false;
};

bool is_text(const PngChunk& chunk) {
  return chunk.type == "tEXt" || chunk.type == "zTXt" || chunk.type == "iTXt";
}

StoredText stored_text(const PngChunk& chunk) {
  StoredText text;
  std::string_view rest = chunk.data;
  const std::string_view keyword = take_word(rest);
  const bool proper =
      keyword.size() <= 79 && std::all_of(keyword.begin(), keyword.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return (byte >= 0x20 && byte < 0x7F) || byte >= 0xA0;
      });
  text.keyword = proper ? latin1_to_utf8(keyword) : "";
  text.what = "the text '" + printable(text.keyword) + "'";
  if (chunk.type == "zTXt") {
    text.compressed = true;
    text.damaged = rest.empty() || rest[0] != 0;
    rest.remove_prefix(std::min<size_t>(rest.size(), 1));
  } else if (chunk.type == "iTXt") {
    text.utf8 = true;
    text.damaged = rest.size() < 4 || (rest[0] != 0 && rest[1] != 0);
    text.compressed = !rest.empty() && rest[0] != 0;
    rest.remove_prefix(std::min<size_t>(rest.size(), 2));
    take_word(rest);  // language
    take_word(rest);  // translated keyword
  }
  text.stored = rest;
  return text;
}

/// The text inflated and held to both limits; none when damaged. `total` counts over all chunks.
std::optional<std::string> inflated_text(const StoredText& text, uint64_t& total,
                                         const std::string& origin) {
  if (text.damaged) return std::nullopt;
  std::optional<std::string> out;
  if (text.compressed) {
    out = inflate_limited(text.stored, kMaximumTextBytes, origin, text.what);
  } else {
    if (text.stored.size() > kMaximumTextBytes) {
      fail_input("{}: {} is larger than {} bytes.", origin, text.what, kMaximumTextBytes);
    }
    out = std::string(text.stored);
  }
  total += out ? out->size() : kMaximumTextBytes / 2;
  if (total > kMaximumTextTotal) {
    fail_input("{}: its texts are larger than {} bytes together.", origin, kMaximumTextTotal);
  }
  return out;
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

std::optional<std::string> inflate_limited(std::string_view deflated, uint64_t limit,
                                           const std::string& origin, const std::string& what) {
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
  if (status != Z_STREAM_END) return std::nullopt;
  return out;
}

Texts png_text_list(const std::vector<PngChunk>& chunks, const std::string& origin) {
  Texts texts;
  uint64_t total = 0;
  for (const PngChunk& chunk : chunks) {
    if (!is_text(chunk)) continue;
    const StoredText stored = stored_text(chunk);
    std::optional<std::string> text = inflated_text(stored, total, origin);
    if (stored.keyword.empty()) continue;
    if (!text) fail_input("{}: {} is damaged.", origin, stored.what);
    // Some programs write Latin-1 where UTF-8 belongs.
    if (!stored.utf8 || !is_utf8(*text)) text = latin1_to_utf8(*text);
    texts.emplace_back(stored.keyword, std::move(*text));
  }
  return texts;
}

TextChunks png_texts(const std::vector<PngChunk>& chunks, const std::string& origin) {
  TextChunks texts;
  for (auto& [keyword, text] : png_text_list(chunks, origin)) {
    texts.emplace(keyword, std::move(text));
  }
  return texts;
}

void check_text_sizes(const std::vector<PngChunk>& chunks, const std::string& origin) {
  uint64_t total = 0;
  for (const PngChunk& chunk : chunks) {
    if (is_text(chunk)) inflated_text(stored_text(chunk), total, origin);
  }
}

std::string png_profile(const std::vector<PngChunk>& chunks, const std::string& origin) {
  for (const PngChunk& chunk : chunks) {
    if (chunk.type != "iCCP") continue;
    std::string_view rest = chunk.data;
    take_word(rest);  // its name
    if (rest.empty() || rest[0] != 0) return "";
    return inflate_limited(rest.substr(1), kMaximumProfileBytes, origin, "the colour profile")
        .value_or("");
  }
  return "";
}

TextChunks read_texts(const std::filesystem::path& path) {
  const std::string bytes = read_file(path, kMaximumFileBytes);
  if (!bytes.starts_with(kPngSignature)) return {};
  const std::string origin = "'" + printable(path.native(), 400) + "'";
  return png_texts(png_chunks(bytes, origin), origin);
}

}  // namespace iclora::image
