#pragma once
// Reading pictures: PNG, JPEG and WebP, told apart by their content. What comes out is upright
// (EXIF orientation applied), sRGB (ICC profiles applied), opaque and 8 bits deep.

#include <filesystem>
#include <string>
#include <string_view>

#include "core/json.h"
#include "image/image.h"

namespace iclora::image {

/// Whether a file begins as one of the three kinds do; false also for what cannot be read.
bool is_picture(const std::filesystem::path& path);

/// Errors (exit 2) name the file and what is wrong. Transparent parts show `background`.
Image read_image(const std::filesystem::path& path, Rgb background = {});
/// The same of bytes in memory; `origin` is named in errors.
Image decode_image(std::string_view bytes, const std::string& origin, Rgb background = {});

/// What the file says of itself, pixels not decoded: format, width, height, bit depth, colour.
Json describe_image(std::string_view bytes, const std::string& origin);

}  // namespace iclora::image
