#pragma once
// A PNG as its chunks: checked before libpng sees it, and the way to its texts.

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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

/// keyword and UTF-8 text of tEXt, zTXt and iTXt, in the file's order. Texts whose keyword is not
/// as the specification has it (1 to 79 characters) are left out. Errors (exit 2): a damaged text,
/// one of more than 1 MiB, more than 8 MiB in all.
using Texts = std::vector<std::pair<std::string, std::string>>;
Texts png_text_list(const std::vector<PngChunk>& chunks, const std::string& origin);

/// The same by keyword; of equal keywords the first.
using TextChunks = std::map<std::string, std::string>;
TextChunks png_texts(const std::vector<PngChunk>& chunks, const std::string& origin);

/// Only the limits: who wants the pixels alone need not care about a damaged text.
void check_text_sizes(const std::vector<PngChunk>& chunks, const std::string& origin);

/// Inflates a zlib stream; error (exit 2) when that gives more than `limit` bytes, none when the
/// stream is damaged.
std::optional<std::string> inflate_limited(std::string_view deflated, uint64_t limit,
                                           const std::string& origin, const std::string& what);

/// The colour profile of iCCP, inflated; empty where there is none or it is damaged.
std::string png_profile(const std::vector<PngChunk>& chunks, const std::string& origin);

/// The texts of a PNG file; none for other formats.
TextChunks read_texts(const std::filesystem::path& path);

}  // namespace iclora::image
