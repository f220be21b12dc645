#pragma once
// Where a module's tensors come from. Model code asks for a tensor by its checkpoint name and says
// the shape and element type it computes with; whether the bytes are mapped, converted, resident or
// streamed is the source's business (runtime/ implements it).

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace iclora::nn {

class WeightSource {
 public:
  virtual ~WeightSource() = default;

  /// Whether a tensor of that name is there.
  virtual bool contains(std::string_view name) const = 0;

  /// The tensor as [shape] of `dtype`, contiguous, on the computing device. Errors (exit 2) name
  /// the file, the tensor, the expected and the found shape.
  virtual at::Tensor get(std::string_view name, const std::vector<int64_t>& shape,
                         at::ScalarType dtype) = 0;
};

}  // namespace iclora::nn
