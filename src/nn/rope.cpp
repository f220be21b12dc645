#include "nn/rope.h"

#include "core/error.h"
#include "nn/row_kernels.h"
#include "nn/rows.h"

namespace iclora::nn {
namespace {

/// x: [B, L, H, head_dim], any strides but the last; sin is taken times `sign`.
at::Tensor turn(const at::Tensor& x, const RopeTable& table, float sign) {
  const at::Tensor source = x.stride(-1) == 1 ? x : x.contiguous();
  at::Tensor y = at::empty(x.sizes(), x.options());
  const int64_t length = x.size(1);
  const int64_t heads = x.size(2);
  const int64_t width = x.size(3);
  with_element(x, [&](auto* element) {
    using T = std::remove_pointer_t<decltype(element)>;
    const auto turn_rows = [&](int64_t first, int64_t last) {
      for (int64_t row = first; row < last; ++row) {
        const int64_t position = row / heads % length;
        const T* from = in<T>(source) + row / heads / length * source.stride(0) +
                        position * source.stride(1) + row % heads * source.stride(2);
        kernel::rope_row(from, in<float>(table.cos) + position * width / 2,
                         in<float>(table.sin) + position * width / 2, sign, width,
                         out<T>(y) + row * width);
      }
    };
    for_rows(y.numel() / width, width, 1, turn_rows);
  });
  return y;
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
  return turn(x, table, 1.0F);
}

at::Tensor rope_backward(const at::Tensor& dy, const RopeTable& table) {
  return turn(dy, table, -1.0F);
}

}  // namespace iclora::nn
