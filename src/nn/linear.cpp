#include "nn/linear.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <vector>

#include "nn/product.h"

namespace iclora::nn {
namespace {

at::Tensor as_rows(const at::Tensor& x) {
  return x.reshape({-1, x.size(-1)});
}

bool records_graph(const at::Tensor& x, const at::Tensor& weight) {
  return c10::GradMode::is_enabled() && (x.requires_grad() || weight.requires_grad());
}

/// As autograd can follow it.
at::Tensor recorded_forward(const Linear& layer, const at::Tensor& x) {
  at::Tensor y = at::linear(x, layer.weight, layer.bias);
  for (const LoraPair& adapter : layer.adapters) {
    y = y + at::linear(at::linear(x, adapter.a).mul(adapter.scale), adapter.b);
  }
  return y;
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
  if (records_graph(x, layer.weight)) return recorded_forward(layer, x);
  const at::Tensor rows = as_rows(x);
  std::vector<Product> products = {{rows, layer.weight.t()}};
  for (const LoraPair& adapter : layer.adapters) {
    // The scale meets the narrow product: rank columns instead of `out`.
    const at::Tensor narrow =
        sum_of_products({{rows, adapter.a.t(), adapter.scale}}, {}, at::kFloat);
    products.push_back({narrow, adapter.b.t()});
    if (saved != nullptr) saved->narrow.push_back(narrow);
  }
  std::vector<int64_t> shape = x.sizes().vec();
  shape.back() = layer.out_features();
  return sum_of_products(products, layer.bias, x.scalar_type()).view(shape);
}

at::Tensor linear_backward(const Linear& layer, const LinearSaved& saved, const at::Tensor& dy,
                           Gradients& gradients, bool need_dx) {
  const at::Tensor rows = as_rows(dy);
  const at::Tensor x = as_rows(saved.x);
  const at::Tensor rows_t = rows.t();
  const auto add = [&](Slot slot, const Product& product) {
    if (slot != kFrozen) gradients.add(slot, sum_of_products({product}, {}, at::kFloat));
  };
  add(layer.weight_slot, {rows_t, x});
  if (layer.bias_slot != kFrozen) gradients.add(layer.bias_slot, rows.sum(0, false, at::kFloat));

  std::vector<Product> to_dx = {{rows, layer.weight}};
  for (size_t i = 0; i < layer.adapters.size(); ++i) {
    const LoraPair& adapter = layer.adapters[i];
    add(adapter.b_slot, {rows_t, saved.narrow[i]});
    if (!need_dx && adapter.a_slot == kFrozen) continue;
    const at::Tensor dnarrow =
        sum_of_products({{rows, adapter.b, adapter.scale}}, {}, at::kFloat);  // [rows, rank]
    add(adapter.a_slot, {dnarrow.t(), x});
    to_dx.push_back({dnarrow, adapter.a});
  }
  if (!need_dx) return {};
  return sum_of_products(to_dx, {}, dy.scalar_type()).view(saved.x.sizes());
}

}  // namespace iclora::nn
