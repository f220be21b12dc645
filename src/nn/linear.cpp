#include "nn/linear.h"

#include <ATen/ATen.h>

namespace iclora::nn {

Linear load_linear(WeightSource& source, const std::string& name, int64_t in, int64_t out,
                   at::ScalarType dtype, bool bias) {
  Linear layer;
  layer.name = name;
  layer.weight = source.get(name + ".weight", {out, in}, dtype);
  if (bias) layer.bias = source.get(name + ".bias", {out}, dtype);
  return layer;
}

at::Tensor linear_forward(const Linear& layer, const at::Tensor& x) {
  at::Tensor y = at::linear(x, layer.weight, layer.bias);
  for (const LoraPair& adapter : layer.adapters) {
    // The scale meets the narrow product: rank columns instead of `out`.
    y.add_(at::linear(at::linear(x, adapter.a).mul_(adapter.scale), adapter.b));
  }
  return y;
}

}  // namespace iclora::nn
