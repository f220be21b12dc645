#include "weights/checkpoint.h"

#include <algorithm>

#include "core/error.h"
#include "core/json.h"
#include "weights/safetensors.h"

namespace iclora::weights {
namespace {

constexpr std::string_view kIndexEnding = ".safetensors.index.json";

bool is_plain_name(const std::string& name) {
  return !name.empty() && name.find('/') == std::string::npos && name != "." && name != ".." &&
         name.find('\0') == std::string::npos;
}

using Tensors = std::map<std::string, StoredTensor, std::less<>>;

void add_file(const std::shared_ptr<const SafetensorsFile>& file, Tensors& tensors) {
  for (const TensorEntry& entry : file->entries()) {
    const auto [place, fresh] = tensors.try_emplace(
        entry.name, StoredTensor{entry.name, entry.dtype, entry.shape, file->bytes(entry), file});
    if (!fresh) {
      fail_input("The tensor '{}' stands in two files, '{}' and '{}'; keep one.",
                 printable(entry.name), printable(place->second.file->path().native()),
                 printable(file->path().native()));
    }
  }
}

/// shard file name of each tensor, out of an index.
std::map<std::string, std::string> read_index(const std::filesystem::path& path) {
  const std::string origin = "'" + printable(path.native(), 400) + "'";
  const Json index = read_json(path);
  const auto map = index.is_object() ? index.find("weight_map") : index.end();
  if (!index.is_object() || map == index.end() || !map->is_object() || map->empty()) {
    fail_input("{} must hold a 'weight_map' from tensor names to files.", origin);
  }
  std::map<std::string, std::string> shards;
  for (const auto& [name, file] : map->items()) {
    if (!file.is_string() || !is_plain_name(file.get<std::string>()) ||
        !file.get<std::string>().ends_with(".safetensors")) {
      fail_input(
          "{}: the file of tensor '{}' must be a plain name ending in .safetensors, but is "
          "{}.",
          origin, printable(name), printable(file.dump(-1, ' ', true), 80));
    }
    shards[name] = file.get<std::string>();
  }
  return shards;
}

/// The one checkpoint of a folder.
std::filesystem::path find_in_folder(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> indices;
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().native();
    if (name.starts_with('.')) continue;
    if (name.ends_with(kIndexEnding)) indices.push_back(entry.path());
    if (name.ends_with(".safetensors")) files.push_back(entry.path());
  }
  if (error) {
    fail_input("The folder '{}' cannot be read: {}.", printable(folder.native()), error.message());
  }
  for (const char* stem : {"diffusion_pytorch_model", "model"}) {
    for (const auto& list : {indices, files}) {
      for (const auto& path : list) {
        const std::string name = path.filename().native();
        if (name == stem + std::string(kIndexEnding) ||
            name == stem + std::string(".safetensors")) {
          return path;
        }
      }
    }
  }
  if (indices.size() == 1) return indices[0];
  if (indices.empty() && files.size() == 1) return files[0];
  if (files.empty() && indices.empty()) {
    fail_input(
        "The folder '{}' holds no .safetensors file; other formats (.bin, .pt, .ckpt) are "
        "not read, convert them first.",
        printable(folder.native()));
  }
  fail_input(
      "The folder '{}' holds several safetensors files and no index named "
      "diffusion_pytorch_model or model; name the one to read.",
      printable(folder.native()));
}

}  // namespace

Checkpoint Checkpoint::open(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return open(find_in_folder(path));

  Checkpoint checkpoint;
  if (!path.native().ends_with(kIndexEnding)) {
    const auto file = SafetensorsFile::open(path);
    checkpoint.files_.push_back(path);
    checkpoint.metadata_ = file->metadata();
    add_file(file, checkpoint.tensors_);
    return checkpoint;
  }

  const auto shard_of = read_index(path);
  const std::string origin = "'" + printable(path.native(), 400) + "'";
  std::vector<std::string> names;
  names.reserve(shard_of.size());
  for (const auto& [tensor, shard] : shard_of) names.push_back(shard);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  for (const std::string& name : names) {
    const std::filesystem::path shard = path.parent_path() / name;
    if (!std::filesystem::exists(shard, ignored)) {
      fail_input("{} names the file '{}', which is not there; the download is incomplete.", origin,
                 printable(name));
    }
    const auto file = SafetensorsFile::open(shard);
    if (checkpoint.files_.empty()) checkpoint.metadata_ = file->metadata();
    checkpoint.files_.push_back(shard);
    add_file(file, checkpoint.tensors_);
  }
  for (const auto& [tensor, shard] : shard_of) {
    const StoredTensor* found = checkpoint.find(tensor);
    if (found == nullptr) {
      fail_input("{} says that tensor '{}' stands in '{}', but it does not.", origin,
                 printable(tensor), printable(shard));
    }
    if (found->file->path().filename() != shard) {
      fail_input("{} says that tensor '{}' stands in '{}', but it stands in '{}'.", origin,
                 printable(tensor), printable(shard),
                 printable(found->file->path().filename().native()));
    }
  }
  for (const auto& [name, tensor] : checkpoint.tensors_) {
    if (!shard_of.contains(name)) {
      fail_input("{} does not name the tensor '{}', which stands in '{}'.", origin, printable(name),
                 printable(tensor.file->path().filename().native()));
    }
  }
  return checkpoint;
}

const StoredTensor* Checkpoint::find(std::string_view name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

uint64_t Checkpoint::byte_count() const {
  uint64_t sum = 0;
  for (const auto& [name, tensor] : tensors_) sum += tensor.bytes.size();
  return sum;
}

}  // namespace iclora::weights
