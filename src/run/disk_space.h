#pragma once
// Room on the disk: asked for before a run starts, and what happens when it ends on the way.

#include <cstdint>
#include <filesystem>
#include <string>

#include "core/disk_room.h"
#include "core/file.h"

namespace iclora::run {

using iclora::DiskFull;
using iclora::free_bytes;

/// Throws for a failed write or creation of `path`: DiskFull that names `needed` where space is the
/// cause, else an Error of kind `output` with the system's reason.
[[noreturn]] void fail_to_write(const std::filesystem::path& path, int error_number,
                                uint64_t needed);

/// What a run will write.
struct DiskNeed {
  uint64_t checkpoint = 0;  ///< bytes of one
  int64_t keep = 1;         ///< one more than are kept stands while a new one is saved
  uint64_t results = 0;     ///< LoRA files
  uint64_t samples = 0;
  uint64_t cache = 0;
  uint64_t present = 0;  ///< of all that, bytes that already stand there (a resumed run)

  /// Bytes that must be free; the largest number where the sum does not fit into 64 bits.
  uint64_t bytes() const;
};

/// Throws DiskFull, whose sentence has the bytes needed, their parts and the bytes free, unless
/// they are free where `folder` is or will be.
void check_disk_space(const std::filesystem::path& folder, const DiskNeed& need);

}  // namespace iclora::run
