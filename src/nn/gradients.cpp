#include "nn/gradients.h"

#include <ATen/ATen.h>

#include "core/error.h"

namespace iclora::nn {

void Gradients::add(Slot slot, const at::Tensor& gradient) {
  if (slot == kFrozen) return;
  at::Tensor& sum = sums_.at(static_cast<size_t>(slot));
  if (sum.defined()) {
    sum.add_(gradient);
  } else {
    // A copy: `gradient` may be a view of something larger, or live on elsewhere.
    sum = gradient.to(at::kFloat, /*non_blocking=*/false, /*copy=*/true).contiguous();
  }
}

void Gradients::add(const Gradients& other) {
  if (other.size() != size()) {
    fail(ErrorKind::internal, "Gradients::add: {} slots meet {}.", other.size(), size());
  }
  for (size_t i = 0; i < sums_.size(); ++i) {
    if (other.sums_[i].defined()) add(static_cast<Slot>(i), other.sums_[i]);
  }
}

}  // namespace iclora::nn
