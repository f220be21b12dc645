#include "run/disk_space.h"

#include <cerrno>
#include <cstring>
#include <limits>

#include "core/error.h"

namespace iclora::run {
namespace {

constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();

uint64_t add(uint64_t a, uint64_t b) {
  uint64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? kMost : sum;
}

uint64_t multiply(uint64_t a, uint64_t b) {
  uint64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? kMost : product;
}

uint64_t checkpoints(const DiskNeed& need) {
  return multiply(need.checkpoint, add(static_cast<uint64_t>(need.keep), 1));
}

}  // namespace

void fail_to_write(const std::filesystem::path& path, int error_number, uint64_t needed) {
  const char* reason = std::strerror(error_number);
  if (error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG) {
    throw DiskFull(
        fmt::format("'{}' cannot be written: {}; {} bytes are needed there and {} are free. Free "
                    "space, then continue with --resume.",
                    printable(path.native(), 400), reason, needed, free_bytes(path)),
        needed);
  }
  fail(ErrorKind::output, "'{}' cannot be written: {}; choose another place or mend its rights.",
       printable(path.native(), 400), reason);
}

uint64_t DiskNeed::bytes() const {
  const uint64_t all = add(add(checkpoints(*this), results), add(samples, cache));
  return all == kMost ? all : all - std::min(all, present);
}

void check_disk_space(const std::filesystem::path& folder, const DiskNeed& need) {
  const uint64_t available = free_bytes(folder);
  if (need.bytes() <= available) return;
  throw DiskFull(
      fmt::format("'{}' has too little space: the run needs {} more bytes ({} for {} checkpoints, "
                  "{} for results, {} for samples, {} for the cache; {} stand there already), but "
                  "{} are free; free space, choose another --out or lower save.keep.",
                  printable(folder.native(), 400), need.bytes(), checkpoints(need), need.keep + 1,
                  need.results, need.samples, need.cache, need.present, available),
      need.bytes());
}

}  // namespace iclora::run
