#pragma once
// The safetensors format, read strictly: 8 bytes of header length (little-endian), a JSON header of
// at most 100,000,000 bytes, then the tensors' bytes without a hole. (Format of the safetensors
// library 0.8; where that library is lenient, for example on duplicate names, this is not.)

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/file.h"
#include "weights/dtype.h"

namespace iclora::weights {

/// What the header says of one tensor; checked against the file.
struct TensorEntry {
  std::string name;
  Dtype dtype = Dtype::f32;
  std::vector<int64_t> shape;
  uint64_t begin = 0;  ///< of its bytes, counted from the end of the header
  uint64_t end = 0;
};

class SafetensorsFile {
 public:
  /// Maps the file and reads its header. Errors (exit 2) name the file and the broken rule.
  static std::shared_ptr<const SafetensorsFile> open(const std::filesystem::path& path);

  const std::vector<TensorEntry>& entries() const { return entries_; }  ///< in order of their bytes
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  std::span<const std::byte> bytes(const TensorEntry& entry) const;
  const std::filesystem::path& path() const { return file_->path(); }
  const MappedFile& file() const { return *file_; }

 private:
  explicit SafetensorsFile(std::shared_ptr<const MappedFile> file);
  std::shared_ptr<const MappedFile> file_;
  uint64_t data_start_ = 0;
  std::vector<TensorEntry> entries_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace iclora::weights
