#include "train/encoding_cache.h"

#include <ATen/ATen.h>
#include <sys/stat.h>

#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "core/json.h"
#include "runtime/file_weights.h"
#include "weights/safetensors_writer.h"

namespace iclora::train {
namespace {

weights::Dtype dtype_of(const at::Tensor& tensor) {
  if (tensor.scalar_type() == at::kFloat) return weights::Dtype::f32;
  if (tensor.scalar_type() == at::kBFloat16) return weights::Dtype::bf16;
  fail(ErrorKind::internal, "EncodingCache: neither fp32 nor bf16.");
}

/// What tells one state of a file from another.
Json stamp_of(const std::filesystem::path& file) {
  struct stat info = {};
  if (stat(file.c_str(), &info) != 0) {
    fail_input("'{}' cannot be read: it is gone.", printable(file.native(), 400));
  }
  const int64_t changed =
      static_cast<int64_t>(info.st_mtim.tv_sec) * 1'000'000'000 + info.st_mtim.tv_nsec;
  return {{"size", static_cast<int64_t>(info.st_size)},
          {"modified_ns", changed},
          {"inode", static_cast<uint64_t>(info.st_ino)}};
}

Json read_memory(const std::filesystem::path& memory) {
  std::error_code ignored;
  if (!std::filesystem::exists(memory, ignored)) return Json::object();
  try {
    Json json = read_json(memory);
    if (json.is_object()) return json;
  } catch (const Error&) {
    // Only a shortcut: what cannot be read is hashed again.
  }
  return Json::object();
}

}  // namespace

std::filesystem::path EncodingCache::path_of(const std::string& key) const {
  return folder_ / key.substr(0, 2) / (key + ".safetensors");
}

bool EncodingCache::contains(const std::string& key) const {
  std::error_code ignored;
  const std::filesystem::path path = path_of(key);
  if (!std::filesystem::exists(path, ignored)) return false;
  try {
    weights::Checkpoint::open(path);
    return true;
  } catch (const Error&) {
    std::filesystem::remove(path, ignored);
    return false;
  }
}

NamedTensors EncodingCache::load(const std::string& key) const {
  const auto checkpoint = weights::Checkpoint::open(path_of(key));
  runtime::FileWeights source(checkpoint);
  NamedTensors out;
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    const auto dtype = tensor.dtype == weights::Dtype::bf16 ? at::kBFloat16 : at::kFloat;
    // A copy: the file is not kept open for each of thousands of sets.
    out[name] = source.get(name, tensor.shape, dtype).clone();
  }
  return out;
}

void EncodingCache::store(const std::string& key, const NamedTensors& tensors) const {
  const std::filesystem::path path = path_of(key);
  create_folders(path.parent_path());
  std::vector<weights::TensorHead> heads;
  std::vector<at::Tensor> dense;
  for (const auto& [name, tensor] : tensors) {
    dense.push_back(tensor.contiguous());
    heads.push_back({name, dtype_of(tensor), tensor.sizes().vec()});
  }
  weights::SafetensorsWriter writer(path, heads);
  for (const at::Tensor& tensor : dense) {
    writer.append({static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()});
  }
  writer.commit();
}

std::string content_hash(const std::vector<std::filesystem::path>& files,
                         const std::filesystem::path& memory) {
  Json known = read_memory(memory);
  bool learnt = false;
  Sha256 hash;
  for (const std::filesystem::path& file : files) {
    const std::string name = std::filesystem::canonical(file).native();
    const Json stamp = stamp_of(file);
    const auto found = known.find(name);
    std::string digest;
    if (found != known.end() && found->is_object() && found->value("stamp", Json()) == stamp) {
      digest = found->value("sha256", "");
    }
    if (digest.size() != 64) {
      digest = sha256_of_file(file);
      known[name] = {{"stamp", stamp}, {"sha256", digest}};
      learnt = true;
    }
    hash.update(digest);
  }
  if (learnt) {
    create_folders(memory.parent_path());
    write_file(memory, known.dump(1) + "\n");
  }
  return hash.hex();
}

}  // namespace iclora::train
