#include "nn/elementwise.h"

#include <c10/core/GradMode.h>

#include "nn/row_kernels.h"
#include "nn/rows.h"

namespace iclora::nn {

at::Tensor gated_residual_forward(const at::Tensor& x, const at::Tensor& gate,
                                  const at::Tensor& y) {
  const at::Tensor dense = x.contiguous();
  const at::Tensor added = y.contiguous();
  const at::Tensor g = gate.contiguous();
  const int64_t width = x.size(-1);
  at::Tensor result = at::empty_like(dense);
  with_element(x, [&](auto* element) {
    using T = std::remove_pointer_t<decltype(element)>;
    for_rows(x.size(0) * x.size(1), width, 1, [&](int64_t first, int64_t last) {
      kernel::gated_residual(in<T>(dense), in<float>(g), in<T>(added), first, last, width,
                             rows_a_vector(x, gate), out<T>(result));
    });
  });
  return result;
}

GatedResidualGradient gated_residual_backward(const at::Tensor& gate, const at::Tensor& y,
                                              const at::Tensor& dout) {
  const at::Tensor dense = dout.contiguous();
  const at::Tensor added = y.contiguous();
  const at::Tensor g = gate.contiguous();
  const int64_t width = dout.size(-1);
  const int64_t group = rows_a_vector(dout, gate);
  GatedResidualGradient gradient = {at::empty_like(dense), at::zeros_like(g)};
  with_element(dout, [&](auto* element) {
    using T = std::remove_pointer_t<decltype(element)>;
    for_rows(dout.size(0) * dout.size(1), width, group, [&](int64_t first, int64_t last) {
      kernel::gated_residual_backward(in<float>(g), in<T>(added), in<T>(dense), first, last, width,
                                      group, out<T>(gradient.dy), out<float>(gradient.dgate));
    });
  });
  return gradient;
}

at::Tensor gelu_tanh_forward(const at::Tensor& x) {
  if (!x.is_cpu() || (c10::GradMode::is_enabled() && x.requires_grad())) {
    return at::gelu(x, "tanh");
  }
  const at::Tensor dense = x.contiguous();
  const int64_t width = x.size(-1);
  at::Tensor y = at::empty_like(dense);
  with_element(x, [&](auto* element) {
    using T = std::remove_pointer_t<decltype(element)>;
    // Row by row: what is left over beside the vector registers must not depend on the threads.
    for_rows(x.numel() / width, width, 1, [&](int64_t first, int64_t last) {
      for (int64_t row = first; row < last; ++row) {
        kernel::gelu_tanh(in<T>(dense) + row * width, width, out<T>(y) + row * width);
      }
    });
  });
  return y;
}

at::Tensor gelu_tanh_backward(const at::Tensor& x, const at::Tensor& dy) {
  if (!x.is_cpu()) return at::gelu_backward(dy, x, "tanh");
  const at::Tensor dense = x.contiguous();
  const int64_t width = x.size(-1);
  at::Tensor rows = dy.reshape({-1, width});
  if (rows.stride(1) != 1) rows = rows.contiguous();
  at::Tensor dx = at::empty_like(dense);
  with_element(x, [&](auto* element) {
    using T = std::remove_pointer_t<decltype(element)>;
    for_rows(rows.size(0), width, 1, [&](int64_t first, int64_t last) {
      for (int64_t row = first; row < last; ++row) {
        kernel::gelu_tanh_backward(in<T>(dense) + row * width, in<T>(rows) + row * rows.stride(0),
                                   width, out<T>(dx) + row * width);
      }
    });
  });
  return dx;
}

at::Tensor silu_forward(const at::Tensor& x) {
  return at::silu(x);
}

at::Tensor silu_backward(const at::Tensor& x, const at::Tensor& dy) {
  return at::silu_backward(dy, x);
}

}  // namespace iclora::nn
