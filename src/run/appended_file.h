#pragma once
// A file that grows by whole pieces and may be cut back.

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace iclora::run {

/// Errors are DiskFull, or of kind `output`.
class AppendedFile {
 public:
  /// Opens or creates it.
  explicit AppendedFile(std::filesystem::path path);
  ~AppendedFile();
  AppendedFile(const AppendedFile&) = delete;
  AppendedFile& operator=(const AppendedFile&) = delete;

  /// All of the piece or nothing of it: after an error the file is as it was.
  void append(std::string_view piece);
  /// One change of the size, which happens or not.
  void cut(uint64_t size);
  /// What was appended survives a power cut.
  void sync();

  uint64_t size() const { return size_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  int descriptor_;
  uint64_t size_ = 0;
};

}  // namespace iclora::run
