#include "nn/norm.h"

#include <c10/core/GradMode.h>

#include "nn/row_kernels.h"
#include "nn/rows.h"

namespace iclora::nn {

at::Tensor layer_norm_modulate_forward(const at::Tensor& x, const at::Tensor& shift,
                                       const at::Tensor& scale, double eps, LayerNormSaved* saved) {
  const at::Tensor dense = x.contiguous();
  const at::Tensor a = scale.contiguous();
  const at::Tensor b = shift.contiguous();
  const int64_t width = x.size(-1);
  const int64_t group = rows_a_vector(x, scale);
  at::Tensor y = at::empty_like(dense);
  at::Tensor mean = at::empty({x.size(0), x.size(1), 1}, a.options());
  at::Tensor rstd = at::empty_like(mean);
  with_element(x, [&](auto* element) {
    using T = std::remove_pointer_t<decltype(element)>;
    for_rows(mean.numel(), width, 1, [&](int64_t first, int64_t last) {
      kernel::layer_norm_modulate(in<T>(dense), in<float>(b), in<float>(a), first, last, width,
                                  group, static_cast<float>(eps), out<T>(y), out<float>(mean),
                                  out<float>(rstd));
    });
  });
  if (saved != nullptr) *saved = {dense, mean, rstd};
  return y;
}

LayerNormGradient layer_norm_modulate_backward(const LayerNormSaved& saved, const at::Tensor& scale,
                                               const at::Tensor& dy) {
  const at::Tensor dense = dy.contiguous();
  const at::Tensor a = scale.contiguous();
  const int64_t width = dy.size(-1);
  const int64_t group = rows_a_vector(dy, scale);
  LayerNormGradient gradient = {at::empty_like(dense), at::zeros_like(a), at::zeros_like(a)};
  with_element(dy, [&](auto* element) {
    using T = std::remove_pointer_t<decltype(element)>;
    for_rows(saved.mean.numel(), width, group, [&](int64_t first, int64_t last) {
      kernel::layer_norm_modulate_backward(in<T>(dense), in<T>(saved.x), in<float>(saved.mean),
                                           in<float>(saved.rstd), in<float>(a), first, last, width,
                                           group, out<T>(gradient.dx), out<float>(gradient.dshift),
                                           out<float>(gradient.dscale));
    });
  });
  return gradient;
}

at::Tensor rms_norm_forward(const at::Tensor& x, const at::Tensor& weight, double eps,
                            RmsNormSaved* saved) {
  if (c10::GradMode::is_enabled() && x.requires_grad()) {  // the same under autograd
    const at::Tensor wide = x.to(at::kFloat);
    const at::Tensor inverse = at::rsqrt(wide.square().mean(-1, /*keepdim=*/true) + eps);
    return (wide * inverse * weight.to(at::kFloat)).to(x.scalar_type());
  }
  const at::Tensor dense = x.contiguous();
  const int64_t width = x.size(-1);
  at::Tensor y = at::empty_like(dense);
  std::vector<int64_t> shape = x.sizes().vec();
  shape.back() = 1;
  at::Tensor inverse = at::empty(shape, x.options().dtype(at::kFloat));
  with_element(x, [&](auto* element) {
    using T = std::remove_pointer_t<decltype(element)>;
    for_rows(inverse.numel(), width, 1, [&](int64_t first, int64_t last) {
      kernel::rms_norm(in<T>(dense), in<T>(weight), first, last, width, static_cast<float>(eps),
                       out<T>(y), out<float>(inverse));
    });
  });
  if (saved != nullptr) *saved = {dense, inverse};
  return y;
}

at::Tensor rms_norm_backward(const RmsNormSaved& saved, const at::Tensor& weight, Slot weight_slot,
                             const at::Tensor& dy, Gradients& gradients) {
  const at::Tensor dense = dy.contiguous();
  const int64_t width = dy.size(-1);
  const int64_t rows = saved.inverse.numel();
  at::Tensor dx = at::empty_like(dense);
  at::Tensor dweight;
  if (weight_slot != kFrozen) dweight = at::zeros({width}, saved.inverse.options());
  with_element(dy, [&](auto* element) {
    using T = std::remove_pointer_t<decltype(element)>;
    // All rows add to the one weight: then they are one thread's, in their order.
    for_rows(rows, width, dweight.defined() ? rows : 1, [&](int64_t first, int64_t last) {
      kernel::rms_norm_backward(in<T>(dense), in<T>(saved.x), in<T>(weight),
                                in<float>(saved.inverse), first, last, width, out<T>(dx),
                                dweight.defined() ? out<float>(dweight) : nullptr);
    });
  });
  if (dweight.defined()) gradients.add(weight_slot, dweight);
  return dx;
}

}  // namespace iclora::nn
