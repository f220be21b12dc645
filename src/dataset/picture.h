#pragma once
// What is known of a picture file before its pixels are decoded.

#include <filesystem>
#include <string>

#include "image/image.h"
#include "panels/solve.h"

namespace iclora::dataset {

struct PictureFacts {
  panels::Size size;   ///< upright: after the EXIF orientation
  std::string sha256;  ///< of the file's bytes
};

/// Errors (exit 2) name the file.
PictureFacts picture_facts(const std::filesystem::path& path);

/// The pixels; error (exit 2) when the file's content is not that of `sha256` any more.
image::Image read_unchanged(const std::filesystem::path& path, const std::string& sha256);

}  // namespace iclora::dataset
