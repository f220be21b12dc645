#pragma once
// Latents and text embeddings, computed once and kept on disk under the hash of all that they
// depend on: pictures, fit and size; captions; the encoders' weights.

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>

namespace iclora::train {

using NamedTensors = std::map<std::string, at::Tensor>;

class EncodingCache {
 public:
  /// `folder` is made when something is stored.
  explicit EncodingCache(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Where `key` (hexadecimal digits) is or would be stored.
  std::filesystem::path path_of(const std::string& key) const;
  /// Whether a whole, readable file stands there; a damaged one is removed.
  bool contains(const std::string& key) const;
  /// fp32 and bf16 tensors as stored. Error (exit 2) when the file is gone.
  NamedTensors load(const std::string& key) const;
  /// Atomic: two trainings may store the same key at the same time.
  void store(const std::string& key, const NamedTensors& tensors) const;

  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
};

/// SHA-256 over the contents of files, in the given order. A large file is read once: its digest is
/// remembered in `memory` (a JSON file) for as long as size, time of change and inode stay.
std::string content_hash(const std::vector<std::filesystem::path>& files,
                         const std::filesystem::path& memory);

}  // namespace iclora::train
