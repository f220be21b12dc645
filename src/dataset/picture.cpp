#include "dataset/picture.h"

#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "image/read.h"

namespace iclora::dataset {
namespace {

std::string quoted(const std::filesystem::path& path) {
  return "'" + printable(path.native(), 400) + "'";
}

}  // namespace

PictureFacts picture_facts(const std::filesystem::path& path) {
  const std::string bytes = read_file(path, image::kMaximumFileBytes);
  const std::string origin = quoted(path);
  const Json facts = image::describe_image(bytes, origin);
  panels::Size size = {json_integer(facts, "width", origin, 1, image::kMaximumSide),
                       json_integer(facts, "height", origin, 1, image::kMaximumSide)};
  // EXIF orientations 5 to 8 turn a picture by a quarter.
  if (json_integer_or(facts, "orientation", origin, 1, 8, 1) >= 5) {
    std::swap(size.width, size.height);
  }
  return {size, sha256(bytes)};
}

image::Image read_unchanged(const std::filesystem::path& path, const std::string& sha256) {
  const std::string bytes = read_file(path, image::kMaximumFileBytes);
  if (iclora::sha256(bytes) != sha256) {
    fail_input("{} was changed while it was in use; keep the data set as it is and run again.",
               quoted(path));
  }
  return image::decode_image(bytes, quoted(path));
}

}  // namespace iclora::dataset
