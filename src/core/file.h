#pragma once
// Reading files whole or mapped, and writing them so that nothing half-written ever stands under
// the final name: a temporary file beside it, fsync, rename, fsync of the folder.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/error.h"

namespace iclora {

/// No space is left (or a quota or a limit on file sizes is reached). Kind `output`, exit 6. What
/// stood before still stands, so that whoever writes may wait and try again.
class DiskFull : public Error {
 public:
  DiskFull(const std::string& message, uint64_t needed)
      : Error(ErrorKind::output, message), needed_(needed) {}
  /// Bytes that must be free for what was tried, as far as they are known.
  uint64_t needed() const { return needed_; }

 private:
  uint64_t needed_;
};

/// The whole of a regular file. Errors (exit 2) when it is missing, not a regular file, unreadable
/// or larger than `limit` bytes.
std::string read_file(const std::filesystem::path& path, uint64_t limit);

/// A read-only view of a regular file's bytes; they stay valid as long as the object lives.
class MappedFile {
 public:
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::filesystem::path& path() const { return path_; }
  /// Throws when the file behind the mapping was cut or replaced since it was opened: reading past
  /// the new end would kill the process. Call it before touching a large range.
  void check_unchanged() const;
  /// Tells the kernel that the range will not be read again soon.
  void release(std::span<const std::byte> range) const;

 private:
  MappedFile(std::filesystem::path path, int descriptor);
  std::filesystem::path path_;
  int descriptor_ = -1;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
  int64_t modified_ns_ = 0;
};

/// A file that appears under its name only when it is complete. Errors are of kind `output`
/// (exit 6) and name the path and the reason; DiskFull names the bytes that were still to come.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();  ///< removes the temporary file unless committed
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  /// fsync and close: the file stands complete beside its final name. For several files of which
  /// either all appear or none: finish() each, then commit() each.
  void finish();
  /// finish() unless done, rename onto the final name, fsync of the folder.
  void commit();
  uint64_t written() const { return written_; }

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
  bool committed_ = false;
  uint64_t written_ = 0;
};

/// write + commit in one.
void write_file(const std::filesystem::path& path, std::string_view content);

/// Creates the folder and its parents; error of kind `output` when that fails.
void create_folders(const std::filesystem::path& folder);

/// fsync of a folder, so that names made or renamed in it survive a power cut.
void sync_folder(const std::filesystem::path& folder);

/// Throws (kind `output`) unless a file could be created in the nearest existing parent of `path`:
/// lets a command refuse before it computes for minutes. Leaves nothing behind.
void check_writable(const std::filesystem::path& path);

}  // namespace iclora
