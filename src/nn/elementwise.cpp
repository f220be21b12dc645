#include "nn/elementwise.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "nn/pieces.h"
#include "nn/reduce.h"

namespace iclora::nn {

at::Tensor gated_residual_forward(const at::Tensor& x, const at::Tensor& gate,
                                  const at::Tensor& y) {
  return at::addcmul(x, gate, y).to(x.scalar_type());
}

GatedResidualGradient gated_residual_backward(const at::Tensor& gate, const at::Tensor& y,
                                              const at::Tensor& dout) {
  const at::Tensor wide = dout.to(at::kFloat);
  return {(wide * gate).to(dout.scalar_type()), sum_to_shape_of(wide * y, gate)};
}

at::Tensor gelu_tanh_forward(const at::Tensor& x) {
  if (!x.is_cpu() || (c10::GradMode::is_enabled() && x.requires_grad())) {
    return at::gelu(x, "tanh");
  }
  return map_elements(
      x, [](at::Tensor& out, const at::Tensor& part) { at::gelu_out(out, part, "tanh"); });
}

at::Tensor gelu_tanh_backward(const at::Tensor& x, const at::Tensor& dy) {
  return at::gelu_backward(dy, x, "tanh");
}

at::Tensor silu_forward(const at::Tensor& x) {
  return at::silu(x);
}

at::Tensor silu_backward(const at::Tensor& x, const at::Tensor& dy) {
  return at::silu_backward(dy, x);
}

}  // namespace iclora::nn
