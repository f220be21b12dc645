#include "nn/norm.h"

#include <ATen/ATen.h>

namespace iclora::nn {

at::Tensor layer_norm_modulate_forward(const at::Tensor& x, const at::Tensor& shift,
                                       const at::Tensor& scale, double eps) {
  const at::Tensor normalised =
      at::layer_norm(x.to(at::kFloat), {x.size(-1)}, /*weight=*/{}, /*bias=*/{}, eps);
  return at::addcmul(shift, normalised, scale + 1).to(x.scalar_type());
}

at::Tensor rms_norm_forward(const at::Tensor& x, const at::Tensor& weight, double eps) {
  const at::Tensor wide = x.to(at::kFloat);
  const at::Tensor inverse = at::rsqrt(wide.square().mean(-1, /*keepdim=*/true).add_(eps));
  return (wide * inverse).mul_(weight.to(at::kFloat)).to(x.scalar_type());
}

}  // namespace iclora::nn
