#pragma once
// Rotary position embedding on pairs of neighbouring elements, for several position axes.

#include <ATen/core/Tensor.h>

#include <vector>

namespace iclora::nn {

/// cos and sin of every position and pair. The angles are fp64, the values fp32.
struct RopeTable {
  at::Tensor cos;  ///< fp32 [L, head_dim / 2]
  at::Tensor sin;  ///< fp32 [L, head_dim / 2]
};

/// ids: [L, axes] positions; axes_dim: how many of the head's elements each axis turns (even,
/// adding up to head_dim). Pair j of an axis of n elements turns by position * theta^(-2j/n)
/// (Su et al., RoFormer, arXiv 2104.09864).
RopeTable rope_table(const at::Tensor& ids, const std::vector<int64_t>& axes_dim, double theta);

/// Turns each pair (x[2j], x[2j+1]) of x: [B, L, H, head_dim] by its angle; computed in fp32.
at::Tensor rope_forward(const at::Tensor& x, const RopeTable& table);
/// Turns each pair back: the transpose of a rotation is its inverse.
at::Tensor rope_backward(const at::Tensor& dy, const RopeTable& table);

}  // namespace iclora::nn
