#include "core/disk_room.h"

#include <sys/statvfs.h>

#include <limits>

#include "core/file.h"

namespace iclora {

uint64_t free_bytes(const std::filesystem::path& path) {
  std::error_code ignored;
  std::filesystem::path place = std::filesystem::absolute(path, ignored);
  while (!std::filesystem::exists(place, ignored) && place != place.parent_path()) {
    place = place.parent_path();
  }
  struct statvfs status {};
  uint64_t bytes = 0;
  if (::statvfs(place.c_str(), &status) != 0 ||
      __builtin_mul_overflow(status.f_bavail, status.f_frsize, &bytes)) {
    return std::numeric_limits<uint64_t>::max();
  }
  return bytes;
}

void check_room(const std::filesystem::path& path, uint64_t bytes) {
  const uint64_t available = free_bytes(path);
  if (bytes <= available) return;
  throw DiskFull(
      fmt::format(
          "'{}' cannot be written: {} bytes are needed there and {} are free; free space or "
          "choose another place.",
          printable(path.native(), 400), bytes, available),
      bytes);
}

}  // namespace iclora
