#include "nn/elementwise.h"

#include <ATen/ATen.h>

namespace iclora::nn {

at::Tensor gated_residual_forward(const at::Tensor& x, const at::Tensor& gate,
                                  const at::Tensor& y) {
  return at::addcmul(x, gate, y).to(x.scalar_type());
}

at::Tensor gelu_tanh_forward(const at::Tensor& x) {
  return at::gelu(x, "tanh");
}

at::Tensor silu_forward(const at::Tensor& x) {
  return at::silu(x);
}

}  // namespace iclora::nn
