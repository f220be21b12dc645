#include "bench/random_weights.h"

#include <ATen/ATen.h>

#include <cmath>
#include <functional>

#include "core/philox.h"

namespace iclora::bench {

at::Tensor random_tensor(at::IntArrayRef shape, at::ScalarType dtype, uint64_t stream) {
  at::Tensor values = at::empty(shape, at::kFloat);
  Random(stream, Stream::weight_init)
      .fill_normal({values.data_ptr<float>(), static_cast<size_t>(values.numel())});
  return values.to(dtype);
}

bool RandomWeights::contains(std::string_view) const {
  return true;
}

at::Tensor RandomWeights::get(std::string_view name, const std::vector<int64_t>& shape,
                              at::ScalarType dtype) {
  double scale = 0.02;
  if (shape.size() > 1) {
    int64_t fan_in = 1;
    for (size_t axis = 1; axis < shape.size(); ++axis) fan_in *= shape[axis];
    scale = 1 / std::sqrt(static_cast<double>(fan_in));
  }
  return (random_tensor(shape, at::kFloat, std::hash<std::string_view>{}(name)) * scale).to(dtype);
}

}  // namespace iclora::bench
