#include "nn/linear.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "nn/pieces.h"

namespace iclora::nn {
namespace {

at::Tensor as_rows(const at::Tensor& x) {
  return x.reshape({-1, x.size(-1)});
}

// libtorch's fp32 product on the processor (MKL) shares rows, columns and on Intel's processors the
// summed dimension among threads, and sums in another order at the edges of every share. So a
// product is cut into pieces of so many rows and columns, each one thread's.
constexpr int64_t kRowsAPiece = 128;
constexpr int64_t kColumnsAPiece = 768;

/// x W^T + bias in pieces that depend on the shapes alone.
at::Tensor product_in_pieces(const at::Tensor& x, const at::Tensor& weight,
                             const at::Tensor& bias) {
  const at::Tensor rows = as_rows(x);
  const int64_t count = rows.size(0);
  const int64_t columns = weight.size(0);
  const int64_t down = (count + kRowsAPiece - 1) / kRowsAPiece;
  const int64_t across = (columns + kColumnsAPiece - 1) / kColumnsAPiece;
  at::Tensor out = at::empty({count, columns}, x.options());
  for_pieces(down * across, [&](int64_t i) {
    const auto of_rows = [&](const at::Tensor& t) {
      const int64_t first = i / across * kRowsAPiece;
      return t.narrow(0, first, std::min(kRowsAPiece, count - first));
    };
    const auto of_columns = [&](const at::Tensor& t, int64_t axis) {
      const int64_t first = i % across * kColumnsAPiece;
      return t.narrow(axis, first, std::min(kColumnsAPiece, columns - first));
    };
    at::Tensor part = of_columns(of_rows(out), 1);
    const at::Tensor turned = of_columns(weight, 0).t();
    if (bias.defined()) {
      at::addmm_out(part, of_columns(bias, 0), of_rows(rows), turned);
    } else {
      at::mm_out(part, of_rows(rows), turned);
    }
  });
  std::vector<int64_t> shape = x.sizes().vec();
  shape.back() = columns;
  return out.view(shape);
}

bool records_graph(const at::Tensor& x, const at::Tensor& weight) {
  return c10::GradMode::is_enabled() && (x.requires_grad() || weight.requires_grad());
}

/// x W^T + bias.
at::Tensor product(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const bool cut = x.is_cpu() && x.scalar_type() == at::kFloat && x.numel() > 0;
  return cut && !records_graph(x, weight) ? product_in_pieces(x, weight, bias)
                                          : at::linear(x, weight, bias);
}

}  // namespace

Linear load_linear(WeightSource& source, const std::string& name, int64_t in, int64_t out,
                   at::ScalarType dtype, bool bias) {
  Linear layer;
  layer.name = name;
  layer.weight = source.get(name + ".weight", {out, in}, dtype);
  if (bias) layer.bias = source.get(name + ".bias", {out}, dtype);
  return layer;
}

at::Tensor linear_forward(const Linear& layer, const at::Tensor& x, LinearSaved* saved) {
  if (saved != nullptr) *saved = {x, {}};
  at::Tensor y = product(x, layer.weight, layer.bias);
  for (const LoraPair& adapter : layer.adapters) {
    // The scale meets the narrow product: rank columns instead of `out`.
    const at::Tensor narrow = product(x, adapter.a, {}).mul_(adapter.scale);
    y.add_(product(narrow, adapter.b, {}));
    if (saved != nullptr) saved->narrow.push_back(as_rows(narrow));
  }
  return y;
}

at::Tensor linear_backward(const Linear& layer, const LinearSaved& saved, const at::Tensor& dy,
                           Gradients& gradients, bool need_dx) {
  const at::Tensor rows = as_rows(dy);
  const at::Tensor x = as_rows(saved.x);
  const at::Tensor rows_t = rows.t();
  if (layer.weight_slot != kFrozen) gradients.add(layer.weight_slot, at::mm(rows_t, x));
  if (layer.bias_slot != kFrozen) gradients.add(layer.bias_slot, rows.sum(0, false, at::kFloat));

  at::Tensor dx;
  if (need_dx) dx = at::mm(rows, layer.weight);
  for (size_t i = 0; i < layer.adapters.size(); ++i) {
    const LoraPair& adapter = layer.adapters[i];
    if (adapter.b_slot != kFrozen) {
      gradients.add(adapter.b_slot, at::mm(rows_t, saved.narrow[i]));
    }
    if (!need_dx && adapter.a_slot == kFrozen) continue;
    const at::Tensor dnarrow = at::mm(rows, adapter.b).mul_(adapter.scale);  // [rows, rank]
    if (adapter.a_slot != kFrozen) gradients.add(adapter.a_slot, at::mm(dnarrow.t(), x));
    if (need_dx) dx.addmm_(dnarrow, adapter.a);
  }
  return need_dx ? dx.view(saved.x.sizes()) : dx;
}

}  // namespace iclora::nn
