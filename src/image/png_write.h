#pragma once
// Writing PNG: 8-bit RGB, with texts. Equal input gives equal bytes.

#include <filesystem>
#include <string>

#include "image/image.h"
#include "image/png_chunks.h"

namespace iclora::image {

/// Texts (keyword of 1 to 79 characters of Latin-1, text; both given as UTF-8) are written in
/// order, before the pixels: as tEXt where the text is Latin-1, as iTXt otherwise and for `iclora`.
/// Error (exit 2) for another keyword, or a text that our own reader would refuse as too large.
std::string encode_png(const Image& picture, const Texts& texts = {});
/// Atomic.
void write_png(const std::filesystem::path& path, const Image& picture, const Texts& texts = {});

}  // namespace iclora::image
