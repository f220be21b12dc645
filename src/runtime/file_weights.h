#pragma once
// Weights out of the files of a checkpoint.

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

#include "nn/weight_source.h"
#include "weights/checkpoint.h"

namespace iclora::runtime {

/// Tensors that are stored in the asked dtype are used where they are mapped, without a copy (and
/// must never be written to); others are converted, and the mapped pages given back.
class FileWeights final : public nn::WeightSource {
 public:
  /// A name that begins with the first text is also looked up with the second in its place:
  /// {"text_model.", ""} finds "text_model.x" as "x".
  using Alias = std::pair<std::string, std::string>;

  explicit FileWeights(weights::Checkpoint checkpoint, std::vector<Alias> aliases = {});

  bool contains(std::string_view name) const override;
  at::Tensor get(std::string_view name, const std::vector<int64_t>& shape,
                 at::ScalarType dtype) override;

  const weights::Checkpoint& checkpoint() const { return checkpoint_; }

 private:
  const weights::StoredTensor* find(std::string_view name) const;
  weights::Checkpoint checkpoint_;
  std::vector<Alias> aliases_;
};

}  // namespace iclora::runtime
