#include "weights/safetensors_writer.h"

#include <set>

#include "core/error.h"
#include "core/json.h"

namespace iclora::weights {

SafetensorsHeader safetensors_header(const std::vector<TensorHead>& tensors,
                                     const std::map<std::string, std::string>& metadata) {
  SafetensorsHeader result;
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::set<std::string_view> names;
  for (const TensorHead& tensor : tensors) {
    if (tensor.name == "__metadata__" || !names.insert(tensor.name).second) {
      fail(ErrorKind::internal, "The tensor name '{}' cannot be written (again).",
           printable(tensor.name));
    }
    uint64_t size = size_of(tensor.dtype);
    for (const int64_t axis : tensor.shape) size *= static_cast<uint64_t>(axis);
    const uint64_t begin = result.tensor_bytes;
    result.tensor_bytes += size;
    header[tensor.name] = {{"dtype", name_of(tensor.dtype)},
                           {"shape", tensor.shape},
                           {"data_offsets", {begin, result.tensor_bytes}}};
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  const uint64_t length = text.size();
  result.bytes.assign(reinterpret_cast<const char*>(&length), sizeof length);
  result.bytes += text;
  return result;
}

SafetensorsWriter::SafetensorsWriter(const std::filesystem::path& path,
                                     const std::vector<TensorHead>& tensors,
                                     const std::map<std::string, std::string>& metadata)
    : file_(path), path_(path) {
  const SafetensorsHeader header = safetensors_header(tensors, metadata);
  expected_ = header.tensor_bytes;
  file_.write(header.bytes);
}

void SafetensorsWriter::append(std::span<const std::byte> bytes) {
  appended_ += bytes.size();
  file_.write(bytes);
}

void SafetensorsWriter::commit() {
  if (appended_ != expected_) {
    fail(ErrorKind::internal, "'{}': {} bytes of tensors were announced and {} written.",
         printable(path_.native()), expected_, appended_);
  }
  file_.commit();
}

}  // namespace iclora::weights
