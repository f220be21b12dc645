#include "train/result_file.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/error.h"
#include "core/hash.h"
#include "weights/checkpoint.h"
#include "weights/safetensors_writer.h"

namespace iclora::train {
namespace {

struct FileTensor {
  weights::TensorHead head;
  at::Tensor values;  ///< in the file's dtype, contiguous
};

std::span<const std::byte> bytes_of(const at::Tensor& values) {
  return {static_cast<const std::byte*>(values.const_data_ptr()), values.nbytes()};
}

FileTensor file_tensor(const std::string& name, const at::Tensor& values,
                       run::SavePrecision precision) {
  weights::Dtype dtype = weights::Dtype::f32;
  at::ScalarType type = at::kFloat;
  if (precision == run::SavePrecision::bf16) {
    dtype = weights::Dtype::bf16;
    type = at::kBFloat16;
  } else if (precision == run::SavePrecision::fp16) {
    dtype = weights::Dtype::f16;
    type = at::kHalf;
  }
  const at::Tensor stored = values.to(type).contiguous();
  if (!at::isfinite(stored).all().item<bool>()) {
    fail(ErrorKind::numerics,
         "'{}' holds values that are not finite numbers in {}; nothing was written.", name,
         run::name_of(precision));
  }
  return {{name, dtype, stored.sizes().vec()}, stored};
}

/// Names in order, as readers expect them.
void sort_by_name(std::vector<FileTensor>& tensors) {
  std::sort(tensors.begin(), tensors.end(),
            [](const FileTensor& a, const FileTensor& b) { return a.head.name < b.head.name; });
}

void write_and_compare(const std::filesystem::path& path, const std::vector<FileTensor>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<weights::TensorHead> heads;
  heads.reserve(tensors.size());
  for (const FileTensor& tensor : tensors) heads.push_back(tensor.head);
  weights::SafetensorsWriter writer(path, heads, metadata);
  for (const FileTensor& tensor : tensors) writer.append(bytes_of(tensor.values));
  writer.commit();

  const auto written = weights::Checkpoint::open(path);
  bool same = written.tensors().size() == tensors.size() && written.metadata() == metadata;
  for (const FileTensor& tensor : tensors) {
    const weights::StoredTensor* found = written.find(tensor.head.name);
    same = same && found != nullptr && found->dtype == tensor.head.dtype &&
           found->shape == tensor.head.shape &&
           std::ranges::equal(found->bytes, bytes_of(tensor.values));
  }
  if (!same) {
    fail(ErrorKind::internal,
         "'{}' does not hold what was written into it; the disk or the memory is faulty.",
         printable(path.native(), 400));
  }
}

}  // namespace

void write_lora(const std::filesystem::path& path, const TrainedTensors& trained,
                const std::vector<at::Tensor>& values, double lora_scale, run::SavePrecision dtype,
                lora::AdapterInfo info) {
  constexpr std::string_view prefix = "transformer.";
  constexpr std::string_view a_suffix = ".lora_A.weight";
  std::vector<FileTensor> tensors;
  for (size_t i = 0; i < trained.size(); ++i) {
    const std::string& name = trained[i].name;
    if (name.ends_with(a_suffix)) {
      info.modules.push_back(
          name.substr(prefix.size(), name.size() - prefix.size() - a_suffix.size()));
      info.rank = values[i].size(0);
      tensors.push_back(file_tensor(name, values[i], dtype));
    } else {
      tensors.push_back(file_tensor(name, values[i] * lora_scale, dtype));
    }
  }
  sort_by_name(tensors);
  std::sort(info.modules.begin(), info.modules.end());
  Sha256 hash;
  for (const FileTensor& tensor : tensors) hash.update(bytes_of(tensor.values));
  info.tensors_sha256 = hash.hex();
  write_and_compare(path, tensors, lora::adapter_metadata(info));
}

void write_weights(const std::filesystem::path& path, const TrainedTensors& trained,
                   const std::vector<at::Tensor>& values, run::SavePrecision dtype) {
  std::vector<FileTensor> tensors;
  for (size_t i = 0; i < trained.size(); ++i) {
    tensors.push_back(file_tensor(trained[i].name, values[i], dtype));
  }
  sort_by_name(tensors);
  write_and_compare(path, tensors, {{"format", "pt"}});
}

}  // namespace iclora::train
