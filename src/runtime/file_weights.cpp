#include "runtime/file_weights.h"

#include <ATen/ATen.h>

#include "core/error.h"
#include "weights/safetensors.h"

namespace iclora::runtime {
namespace {

at::ScalarType scalar_type(const weights::StoredTensor& tensor) {
  using weights::Dtype;
  switch (tensor.dtype) {
    case Dtype::f64:
      return at::kDouble;
    case Dtype::f32:
      return at::kFloat;
    case Dtype::f16:
      return at::kHalf;
    case Dtype::bf16:
      return at::kBFloat16;
    case Dtype::f8_e4m3:
      return at::kFloat8_e4m3fn;
    case Dtype::f8_e5m2:
      return at::kFloat8_e5m2;
    case Dtype::i64:
      return at::kLong;
    case Dtype::i32:
      return at::kInt;
    case Dtype::i16:
      return at::kShort;
    case Dtype::i8:
      return at::kChar;
    case Dtype::u8:
      return at::kByte;
    case Dtype::boolean:
      return at::kBool;
  }
  fail(ErrorKind::internal, "'{}' has a dtype without a name.", printable(tensor.name));
}

std::string shape_text(const std::vector<int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

}  // namespace

FileWeights::FileWeights(weights::Checkpoint checkpoint, std::vector<Alias> aliases)
    : checkpoint_(std::move(checkpoint)), aliases_(std::move(aliases)) {}

const weights::StoredTensor* FileWeights::find(std::string_view name) const {
  if (const auto* tensor = checkpoint_.find(name)) return tensor;
  for (const auto& [from, to] : aliases_) {
    if (!name.starts_with(from)) continue;
    if (const auto* tensor = checkpoint_.find(to + std::string(name.substr(from.size())))) {
      return tensor;
    }
  }
  return nullptr;
}

bool FileWeights::contains(std::string_view name) const {
  return find(name) != nullptr;
}

at::Tensor FileWeights::get(std::string_view name, const std::vector<int64_t>& shape,
                            at::ScalarType dtype) {
  const weights::StoredTensor* tensor = find(name);
  if (tensor == nullptr) {
    fail_input("'{}' has no tensor '{}'; the model is incomplete or of another kind.",
               printable(checkpoint_.files().front().native(), 400), printable(name));
  }
  const std::string file = printable(tensor->file->path().native(), 400);
  if (tensor->shape != shape) {
    fail_input("'{}': the tensor '{}' has the shape {}, expected {} from the model's config.", file,
               printable(tensor->name), shape_text(tensor->shape), shape_text(shape));
  }
  if (at::isIntegralType(scalar_type(*tensor), /*includeBool=*/true)) {
    fail_input(
        "'{}': the tensor '{}' is stored as {}, which needs scales that are not read; use a "
        "file in F32, F16, BF16 or F8_E4M3.",
        file, printable(tensor->name), weights::name_of(tensor->dtype));
  }
  tensor->file->file().check_unchanged();
  // from_blob wants mutable memory; the mapping is private and nothing writes to weights.
  auto* data = const_cast<std::byte*>(tensor->bytes.data());
  at::Tensor mapped = at::from_blob(
      data, shape, [keep = tensor->file](void*) {}, at::TensorOptions(scalar_type(*tensor)));
  if (scalar_type(*tensor) == dtype &&
      reinterpret_cast<uintptr_t>(data) % at::elementSize(dtype) == 0) {
    return mapped;
  }
  at::Tensor converted = mapped.to(dtype, /*non_blocking=*/false, /*copy=*/true);
  tensor->file->file().release(tensor->bytes);
  return converted;
}

}  // namespace iclora::runtime
