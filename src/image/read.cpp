#include "image/read.h"

#include <fstream>
#include <optional>

#include "core/error.h"
#include "core/file.h"
#include "image/png_chunks.h"
#include "image/source.h"

namespace iclora::image {
namespace {

enum class Format { png, jpeg, webp };

std::optional<Format> known_format(std::string_view bytes) {
  if (bytes.starts_with(kPngSignature)) return Format::png;
  if (bytes.starts_with("\xFF\xD8\xFF")) return Format::jpeg;
  if (bytes.size() >= 12 && bytes.starts_with("RIFF") && bytes.substr(8, 4) == "WEBP") {
    return Format::webp;
  }
  return std::nullopt;
}

Format format_of(std::string_view bytes, const std::string& origin) {
  if (const auto format = known_format(bytes)) return *format;
  if (bytes.empty()) fail_input("{} is empty.", origin);
  fail_input("{} is not a picture that can be read; expected PNG, JPEG or WebP.", origin);
}

}  // namespace

void check_size(uint64_t width, uint64_t height, const std::string& origin) {
  if (width == 0 || height == 0) fail_input("{} has no pixels ({} x {}).", origin, width, height);
  if (width > kMaximumSide || height > kMaximumSide ||
      width * height > static_cast<uint64_t>(kMaximumPixels)) {
    fail_input("{} has {} x {} pixels; at most {} a side and {} in all are read. Make it smaller.",
               origin, width, height, kMaximumSide, kMaximumPixels);
  }
  if (width > height * kMaximumRatio || height > width * kMaximumRatio) {
    fail_input("{} has {} x {} pixels; an edge more than {} times the other is not read.", origin,
               width, height, kMaximumRatio);
  }
}

bool is_picture(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return false;
  char start[12] = {};
  std::ifstream file(path, std::ios::binary);
  file.read(start, sizeof start);
  return known_format({start, static_cast<size_t>(file.gcount())}).has_value();
}

Image decode_image(std::string_view bytes, const std::string& origin, Rgb background) {
  switch (format_of(bytes, origin)) {
    case Format::png:
      return decode_png(bytes, origin, background);
    case Format::jpeg:
      return decode_jpeg(bytes, origin, background);
    case Format::webp:
      return decode_webp(bytes, origin, background);
  }
  return {};
}

Image read_image(const std::filesystem::path& path, Rgb background) {
  return decode_image(read_file(path, kMaximumFileBytes), "'" + printable(path.native(), 400) + "'",
                      background);
}

Json describe_image(std::string_view bytes, const std::string& origin) {
  switch (format_of(bytes, origin)) {
    case Format::png:
      return describe_png(bytes, origin);
    case Format::jpeg:
      return describe_jpeg(bytes, origin);
    case Format::webp:
      return describe_webp(bytes, origin);
  }
  return {};
}

}  // namespace iclora::image
