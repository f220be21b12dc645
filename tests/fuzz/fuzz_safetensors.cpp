// The reader of safetensors files: whatever the bytes, an answer or one error of kind input.

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>

#include "core/error.h"
#include "weights/safetensors.h"

namespace {

/// A file of this process alone, in memory where the system offers that.
const std::filesystem::path& scratch_file() {
  static const std::filesystem::path path =
      (std::filesystem::exists("/dev/shm") ? std::filesystem::path("/dev/shm")
                                           : std::filesystem::temp_directory_path()) /
      ("iclora-fuzz-" + std::to_string(::getpid()) + ".safetensors");
  static const struct Remove {
    ~Remove() { std::filesystem::remove(path); }
  } remove_at_exit;
  return path;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace iclora;
  std::ofstream(scratch_file(), std::ios::binary)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  try {
    const auto file = weights::SafetensorsFile::open(scratch_file());
    uint64_t sum = 0;
    for (const auto& entry : file->entries()) {
      // What the reader lets through must be readable to its last byte.
      for (const std::byte byte : file->bytes(entry)) sum += static_cast<uint8_t>(byte);
    }
    if (sum == UINT64_MAX) return 1;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::input) throw;
  }
  return 0;
}
