#pragma once
// Weights of any model, drawn instead of read.

#include <cmath>
#include <functional>
#include <string>

#include "nn/weight_source.h"
#include "tensors.h"

namespace iclora::testing_support {

/// Matrices N(0, 1/in), vectors N(0.5, 0.1), by the tensor's name and shape alone.
class RandomWeights final : public nn::WeightSource {
 public:
  bool contains(std::string_view) const override { return true; }
  at::Tensor get(std::string_view name, const std::vector<int64_t>& shape,
                 at::ScalarType dtype) override {
    const at::Tensor drawn = normal(shape, std::hash<std::string_view>{}(name));
    if (shape.size() < 2) return (0.5 + 0.1 * drawn).to(dtype);
    const int64_t in = drawn.numel() / shape[0];
    return (drawn / std::sqrt(static_cast<double>(in))).to(dtype);
  }
};

}  // namespace iclora::testing_support
