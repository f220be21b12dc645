#include "nn/norm.h"

#include <ATen/ATen.h>

#include "nn/reduce.h"

namespace iclora::nn {

at::Tensor layer_norm_modulate_forward(const at::Tensor& x, const at::Tensor& shift,
                                       const at::Tensor& scale, double eps, LayerNormSaved* saved) {
  const auto [normalised, mean, rstd] = at::native_layer_norm(
      x.to(at::kFloat), {x.size(-1)}, /*weight=*/std::nullopt, /*bias=*/std::nullopt, eps);
  if (saved != nullptr) *saved = {x, mean, rstd};
  return at::addcmul(shift, normalised, scale + 1).to(x.scalar_type());
}

LayerNormGradient layer_norm_modulate_backward(const LayerNormSaved& saved, const at::Tensor& scale,
                                               const at::Tensor& dy) {
  const at::Tensor wide = dy.to(at::kFloat);
  const at::Tensor normalised = (saved.x.to(at::kFloat) - saved.mean).mul_(saved.rstd);
  LayerNormGradient gradient;
  gradient.dshift = sum_to_shape_of(wide, scale);
  gradient.dscale = sum_to_shape_of(wide * normalised, scale);
  // With g = dL/d normalised: dx = rstd (g - mean(g) - normalised mean(g normalised)).
  at::Tensor g = wide * (scale + 1);
  const at::Tensor mean = g.mean(-1, /*keepdim=*/true);
  const at::Tensor slope = (g * normalised).mean(-1, /*keepdim=*/true);
  g.sub_(mean).addcmul_(normalised, slope, -1).mul_(saved.rstd);
  gradient.dx = g.to(dy.scalar_type());
  return gradient;
}

at::Tensor rms_norm_forward(const at::Tensor& x, const at::Tensor& weight, double eps,
                            RmsNormSaved* saved) {
  const at::Tensor wide = x.to(at::kFloat);
  const at::Tensor inverse = at::rsqrt(wide.square().mean(-1, /*keepdim=*/true).add_(eps));
  if (saved != nullptr) *saved = {x, inverse};
  return (wide * inverse).mul_(weight.to(at::kFloat)).to(x.scalar_type());
}

at::Tensor rms_norm_backward(const RmsNormSaved& saved, const at::Tensor& weight, Slot weight_slot,
                             const at::Tensor& dy, Gradients& gradients) {
  const at::Tensor wide = dy.to(at::kFloat);
  const at::Tensor normalised = saved.x.to(at::kFloat) * saved.inverse;
  if (weight_slot != kFrozen) {
    gradients.add(weight_slot, (wide * normalised).flatten(0, -2).sum(0));
  }
  at::Tensor g = wide * weight.to(at::kFloat);
  const at::Tensor slope = (g * normalised).mean(-1, /*keepdim=*/true);
  g.addcmul_(normalised, slope, -1).mul_(saved.inverse);
  return g.to(dy.scalar_type());
}

}  // namespace iclora::nn
