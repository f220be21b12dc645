#include "nn/rope.h"

#include <ATen/ATen.h>

#include "core/error.h"

namespace iclora::nn {
namespace {

/// x: [B, L, H, head_dim]; cos, sin: [L, head_dim / 2], the same for all heads.
at::Tensor turn(const at::Tensor& x, const at::Tensor& cos_table, const at::Tensor& sin_table) {
  const at::Tensor wide = x.to(at::kFloat);
  const at::Tensor even = wide.slice(-1, 0, at::nullopt, 2);
  const at::Tensor odd = wide.slice(-1, 1, at::nullopt, 2);
  const at::Tensor cos = cos_table.unsqueeze(1);
  const at::Tensor sin = sin_table.unsqueeze(1);
  return at::stack({even * cos - odd * sin, odd * cos + even * sin}, -1)
      .flatten(-2)
      .to(x.scalar_type());
}

}  // namespace

RopeTable rope_table(const at::Tensor& ids, const std::vector<int64_t>& axes_dim, double theta) {
  if (ids.dim() != 2 || ids.size(1) != static_cast<int64_t>(axes_dim.size())) {
    fail(ErrorKind::internal, "rope_table: ids must be [L, {}].", axes_dim.size());
  }
  const at::Tensor positions = ids.to(at::kDouble);
  std::vector<at::Tensor> angles;
  for (size_t axis = 0; axis < axes_dim.size(); ++axis) {
    const auto dim = axes_dim[axis];
    const at::Tensor exponent =
        at::arange(0, dim, 2, positions.options()) / static_cast<double>(dim);
    const at::Tensor frequency = at::reciprocal(at::pow(theta, exponent));
    angles.push_back(at::outer(positions.select(1, static_cast<int64_t>(axis)), frequency));
  }
  const at::Tensor angle = at::cat(angles, 1);
  return {at::cos(angle).to(at::kFloat), at::sin(angle).to(at::kFloat)};
}

at::Tensor rope_forward(const at::Tensor& x, const RopeTable& table) {
  return turn(x, table.cos, table.sin);
}

at::Tensor rope_backward(const at::Tensor& dy, const RopeTable& table) {
  return turn(dy, table.cos, -table.sin);
}

}  // namespace iclora::nn
