#pragma once
// A new file written piece by piece, its digest taken on the way, on the disk when it is closed.

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "core/hash.h"

namespace iclora::run {

/// Where a writer puts a file's bytes, in pieces of any size.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual void write(std::span<const std::byte> bytes) = 0;
  void write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }
};

class SyncedFile final : public ByteSink {
 public:
  /// The file must not exist yet. `needed`: the bytes that a DiskFull names.
  SyncedFile(std::filesystem::path path, uint64_t needed);
  ~SyncedFile() override;
  SyncedFile(const SyncedFile&) = delete;
  SyncedFile& operator=(const SyncedFile&) = delete;

  using ByteSink::write;
  void write(std::span<const std::byte> bytes) override;
  /// fsync and close; the SHA-256 of all that was written.
  std::string close();
  uint64_t written() const { return written_; }

 private:
  std::filesystem::path path_;
  uint64_t needed_;
  int descriptor_;
  uint64_t written_ = 0;
  Sha256 hash_;
};

}  // namespace iclora::run
