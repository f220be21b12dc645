#pragma once
// Weights drawn instead of read, for timings that need no file.

#include "nn/weight_source.h"

namespace iclora::bench {

/// Matrices N(0, 1/in), vectors N(0, 0.02): never zeros, which run faster than real numbers.
class RandomWeights final : public nn::WeightSource {
 public:
  bool contains(std::string_view name) const override;
  at::Tensor get(std::string_view name, const std::vector<int64_t>& shape,
                 at::ScalarType dtype) override;
};

/// Standard normal values that depend on `stream` and the shape.
at::Tensor random_tensor(at::IntArrayRef shape, at::ScalarType dtype, uint64_t stream);

}  // namespace iclora::bench
