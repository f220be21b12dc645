#pragma once
// A PNG as its chunks: checked before libpng sees it, and the way to its texts.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace iclora::image {

inline constexpr std::string_view kPngSignature = "\x89PNG\r\n\x1a\n";

struct PngChunk {
  std::string type;       ///< four letters
  std::string_view data;  ///< into the file's bytes
};

/// All chunks up to IEND. Errors (exit 2): a bad length, a wrong checksum, too many chunks, no IHDR
/// first, no IEND.
std::vector<PngChunk> png_chunks(std::string_view bytes, const std::string& origin);

/// keyword -> UTF-8 text of tEXt, zTXt and iTXt; of equal keywords the first.
using TextChunks = std::map<std::string, std::string>;
TextChunks png_texts(const std::vector<PngChunk>& chunks, const std::string& origin);

/// Inflates a zlib stream to at most `limit` bytes; error (exit 2) beyond that or when damaged.
std::string inflate_limited(std::string_view deflated, uint64_t limit, const std::string& origin,
                            const std::string& what);

/// The texts of a PNG file; none for other formats.
TextChunks read_texts(const std::filesystem::path& path);

}  // namespace iclora::image
