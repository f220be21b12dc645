#pragma once
// Where backward functions leave what they found: one fp32 sum a trained tensor.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace iclora::nn {

/// A trained tensor's place in Gradients. What is frozen has none, and no backward function
/// computes its gradient.
using Slot = int64_t;
inline constexpr Slot kFrozen = -1;

class Gradients {
 public:
  explicit Gradients(size_t slots) : sums_(slots) {}

  /// Adds to the sum at `slot`; nothing for kFrozen. `gradient` may be of any floating type.
  void add(Slot slot, const at::Tensor& gradient);
  /// Adds all sums of `other`.
  void add(const Gradients& other);
  /// Undefined where nothing has arrived: the gradient is zero.
  const at::Tensor& sum(Slot slot) const { return sums_.at(static_cast<size_t>(slot)); }
  std::vector<at::Tensor>& sums() { return sums_; }
  size_t size() const { return sums_.size(); }

 private:
  std::vector<at::Tensor> sums_;
};

}  // namespace iclora::nn
