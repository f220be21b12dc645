#pragma once
// Writing safetensors: streamed, so that no more than one piece is in memory, and atomic.

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/file.h"
#include "weights/dtype.h"

namespace iclora::weights {

/// What is announced of one tensor before its bytes come.
struct TensorHead {
  std::string name;
  Dtype dtype = Dtype::f32;
  std::vector<int64_t> shape;
};

/// What stands before the tensors' bytes: the length of the header (8 bytes) and the header.
struct SafetensorsHeader {
  std::string bytes;
  uint64_t tensor_bytes = 0;  ///< that follow, in the order of the heads, without gaps
};

/// The tensors in the given order, metadata by key, padded with spaces to a multiple of 8 bytes.
/// Equal input gives equal bytes. For whoever streams a file to another place than a path.
SafetensorsHeader safetensors_header(const std::vector<TensorHead>& tensors,
                                     const std::map<std::string, std::string>& metadata = {});

class SafetensorsWriter {
 public:
  /// Writes the header.
  SafetensorsWriter(const std::filesystem::path& path, const std::vector<TensorHead>& tensors,
                    const std::map<std::string, std::string>& metadata = {});
  /// The bytes of the announced tensors, in order, in pieces of any size.
  void append(std::span<const std::byte> bytes);
  /// Publishes the file; an error (exit 1) when bytes are missing or too many.
  void commit();

 private:
  AtomicFile file_;
  uint64_t expected_ = 0;
  uint64_t appended_ = 0;
  std::filesystem::path path_;
};

}  // namespace iclora::weights
