#include "flux/modulation.h"

#include <ATen/ATen.h>

#include "nn/saved.h"

namespace iclora::flux {
namespace {

at::Tensor mask_of(const Condition& condition, Tokens tokens, int64_t text_length) {
  if (!condition.given.defined() || tokens == Tokens::text) return {};
  at::Tensor mask = condition.given_tokens;
  if (tokens == Tokens::text_then_image) mask = at::constant_pad_nd(mask, {text_length, 0}, 0);
  return mask.unsqueeze(-1);
}

void add_to(at::Tensor& sum, const at::Tensor& dx) {
  if (sum.defined()) {
    sum.add_(dx);
  } else {
    sum = dx.to(at::kFloat, /*non_blocking=*/false, /*copy=*/true);
  }
}

void layer_backward(const nn::Linear& layer, const nn::LinearSaved& saved, const at::Tensor& dy,
                    bool wanted, at::Tensor& sum, nn::Gradients& gradients) {
  const at::Tensor dx =
      nn::linear_backward(layer, saved, dy.to(saved.x.scalar_type()), gradients, wanted);
  if (wanted) add_to(sum, dx);
}

}  // namespace

std::vector<at::Tensor> modulation_forward(const nn::Linear& layer, const Condition& condition,
                                           int64_t parts, Tokens tokens, int64_t text_length,
                                           ModulationSaved* saved) {
  const auto vectors = [&](const at::Tensor& x, nn::LinearSaved* kept) {
    return nn::linear_forward(layer, x, kept).to(at::kFloat).unsqueeze(1);  // [B, 1, parts * D]
  };
  const at::Tensor mask = mask_of(condition, tokens, text_length);
  at::Tensor all = vectors(condition.shared, nn::part_of(saved, &ModulationSaved::shared));
  if (mask.defined()) {
    all =
        at::where(mask, vectors(condition.given, nn::part_of(saved, &ModulationSaved::given)), all);
  }
  if (saved != nullptr) saved->mask = mask;
  return all.chunk(parts, /*dim=*/-1);
}

void modulation_backward(const nn::Linear& layer, const ModulationSaved& saved,
                         const std::vector<at::Tensor>& parts, ConditionGradient& condition,
                         nn::Gradients& gradients) {
  const at::Tensor all = at::cat(parts, -1);
  if (!saved.mask.defined()) {
    layer_backward(layer, saved.shared, all.squeeze(1), condition.wanted, condition.shared,
                   gradients);
    return;
  }
  layer_backward(layer, saved.shared, all.masked_fill(saved.mask, 0).sum(1), condition.wanted,
                 condition.shared, gradients);
  layer_backward(layer, saved.given, all.masked_fill(saved.mask.logical_not(), 0).sum(1),
                 condition.wanted, condition.given, gradients);
}

}  // namespace iclora::flux
