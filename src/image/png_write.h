#pragma once
// Writing PNG: 8-bit RGB, with texts. Equal input gives equal bytes.

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "image/image.h"

namespace iclora::image {

/// keyword (Latin-1, 1 to 79 bytes), UTF-8 text; written in order, as tEXt where the text is ASCII
/// and as iTXt otherwise.
using Texts = std::vector<std::pair<std::string, std::string>>;

std::string encode_png(const Image& picture, const Texts& texts = {});
/// Atomic.
void write_png(const std::filesystem::path& path, const Image& picture, const Texts& texts = {});

}  // namespace iclora::image
