#pragma once
// Tensors by name, out of one safetensors file, a sharded set of them with its index, or a folder
// that holds either. Memory-mapped: nothing is read before it is touched. No tensor library here.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weights/dtype.h"

namespace iclora::weights {

/// One stored tensor. `bytes` points into the mapped file and lives as long as its Checkpoint.
struct StoredTensor {
  std::string name;
  Dtype dtype = Dtype::f32;
  std::vector<int64_t> shape;        ///< row-major; empty for a scalar
  std::span<const std::byte> bytes;  ///< little-endian, size == elements * dtype size
  std::shared_ptr<const class SafetensorsFile>
      file;  ///< where it stands (and what keeps it mapped)
};

/// A name space of tensors over one or several files.
class Checkpoint {
 public:
  /// `path`: a `.safetensors` file; a `.safetensors.index.json`; or a folder that holds one of
  /// those (`diffusion_pytorch_model...`, `model...`, or the only one there is).
  /// Errors (exit 2) name the file and the rule that is broken.
  static Checkpoint open(const std::filesystem::path& path);

  /// nullptr when there is no tensor of that name.
  const StoredTensor* find(std::string_view name) const;
  /// All tensors, ordered by name.
  const std::map<std::string, StoredTensor, std::less<>>& tensors() const { return tensors_; }
  /// The files it was read from, in order.
  const std::vector<std::filesystem::path>& files() const { return files_; }
  /// Free text of the (first) file's `__metadata__`.
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  /// Sum of all tensors' bytes.
  uint64_t byte_count() const;

 private:
  std::map<std::string, StoredTensor, std::less<>> tensors_;
  std::vector<std::filesystem::path> files_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace iclora::weights
