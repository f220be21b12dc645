#pragma once
// Group normalisation of feature maps [B, C, H, W] whose channels lie side by side in memory
// ("channels last"), alone or followed by SiLU. Statistics are taken in fp64, products in fp32, and
// the result is rounded once. The order of all sums depends on the shape alone, never on the number
// of threads (that of at::group_norm does in this memory layout).

#include <ATen/core/Tensor.h>

#include <vector>

namespace iclora::vae {

struct GroupNorm {
  at::Tensor weight;   ///< [C]
  at::Tensor bias;     ///< [C]
  int64_t groups = 1;  ///< C divides into them
};

/// What norms multiplied with and added, in the order in which they ran: recorded over one map and
/// replayed over others, these are all normalised alike.
struct NormTape {
  struct Entry {
    at::Tensor scale, shift;  ///< fp32 [B, C]
  };
  std::vector<Entry> entries;
  bool replay = false;  ///< else each norm appends its entry
  size_t next = 0;      ///< of the replay
};

at::Tensor group_norm_forward(const GroupNorm& norm, const at::Tensor& x, NormTape* tape = nullptr);

/// silu(group_norm(x)).
at::Tensor group_norm_silu_forward(const GroupNorm& norm, const at::Tensor& x,
                                   NormTape* tape = nullptr);

/// What group_norm_backward needs of the forward pass.
struct GroupNormSaved {
  at::Tensor x;              ///< [B, C, H, W], channels last
  NormTape::Entry entry;     ///< what x was multiplied with and what was added
  at::Tensor mean, inverse;  ///< of each group, fp32 [B, groups]; inverse: 1 / deviation
};

/// As group_norm_forward, or group_norm_silu_forward if `silu`. On the processor, fp32 or bf16.
at::Tensor group_norm_training_forward(const GroupNorm& norm, const at::Tensor& x, bool silu,
                                       GroupNormSaved& saved);

struct GroupNormGradient {
  at::Tensor dx;              ///< of x's dtype
  at::Tensor dweight, dbias;  ///< fp32 [C]
};
GroupNormGradient group_norm_backward(const GroupNorm& norm, const GroupNormSaved& saved, bool silu,
                                      const at::Tensor& dy);

}  // namespace iclora::vae
