#include "weights/safetensors_writer.h"

#include <set>

#include "core/error.h"
#include "core/json.h"

namespace iclora::weights {

SafetensorsWriter::SafetensorsWriter(const std::filesystem::path& path,
                                     const std::vector<TensorHead>& tensors,
                                     const std::map<std::string, std::string>& metadata)
    : file_(path), path_(path) {
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::set<std::string_view> names;
  for (const TensorHead& tensor : tensors) {
    if (tensor.name == "__metadata__" || !names.insert(tensor.name).second) {
      fail(ErrorKind::internal, "'{}': the tensor name '{}' cannot be written (again).",
           printable(path.native()), printable(tensor.name));
    }
    uint64_t size = size_of(tensor.dtype);
    for (const int64_t axis : tensor.shape) size *= static_cast<uint64_t>(axis);
    header[tensor.name] = {{"dtype", name_of(tensor.dtype)},
                           {"shape", tensor.shape},
                           {"data_offsets", {expected_, expected_ + size}}};
    expected_ += size;
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  const uint64_t length = text.size();
  file_.write(std::as_bytes(std::span(&length, 1)));
  file_.write(text);
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
