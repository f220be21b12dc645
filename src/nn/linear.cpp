#include "nn/linear.h"

#include <ATen/ATen.h>

namespace iclora::nn {
namespace {

// libtorch's fp32 product on the processor (MKL) shares rows among threads, and a share whose last
// rows do not fill a tile of four is summed in another order: with rows that are a multiple of four
// every thread count gives the same bytes (measured for 1 to 400 rows and 1 to 16 threads).
constexpr int64_t kRowTile = 4;

}  // namespace

Linear load_linear(WeightSource& source, const std::string& name, int64_t in, int64_t out,
                   at::ScalarType dtype, bool bias) {
  Linear layer;
  layer.name = name;
  layer.weight = source.get(name + ".weight", {out, in}, dtype);
  if (bias) layer.bias = source.get(name + ".bias", {out}, dtype);
  return layer;
}

at::Tensor linear_forward(const Linear& layer, const at::Tensor& x) {
  const int64_t rows = x.numel() / x.size(-1);
  const int64_t padded = (rows + kRowTile - 1) / kRowTile * kRowTile;
  if (rows > 1 && rows != padded && x.is_cpu() && x.scalar_type() == at::kFloat) {
    const at::Tensor flat =
        at::constant_pad_nd(x.reshape({rows, x.size(-1)}), {0, 0, 0, padded - rows});
    std::vector<int64_t> shape = x.sizes().vec();
    shape.back() = layer.out_features();
    return linear_forward(layer, flat).slice(0, 0, rows).view(shape);
  }
  at::Tensor y = at::linear(x, layer.weight, layer.bias);
  for (const LoraPair& adapter : layer.adapters) {
    // The scale meets the narrow product: rank columns instead of `out`.
    y.add_(at::linear(at::linear(x, adapter.a).mul_(adapter.scale), adapter.b));
  }
  return y;
}

}  // namespace iclora::nn
