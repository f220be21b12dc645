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

/// Which panel each token belongs to; empty where panels have no vectors of their own.
std::vector<PanelRun> runs_of(const Condition& condition, Tokens tokens, int64_t text_length) {
  std::vector<PanelRun> runs;
  const auto panels = static_cast<int64_t>(condition.panel_tokens.size());
  int64_t at = 0;
  const auto append = [&](int64_t panel, int64_t length) {
    runs.push_back({panel, at, at + length});
    at += length;
  };
  if (tokens != Tokens::image) {
    for (int64_t panel = 0; panel < panels; ++panel) append(panel, text_length / panels);
  }
  if (tokens != Tokens::text) {
    for (int64_t panel = 0; panel < panels; ++panel) {
      append(panel, condition.panel_tokens[static_cast<size_t>(panel)]);
    }
  }
  return runs;
}

/// [B, N, D] -> [B, L, D]: each token the vector of its panel.
at::Tensor spread(const at::Tensor& vectors, const std::vector<PanelRun>& runs) {
  std::vector<at::Tensor> parts;
  parts.reserve(runs.size());
  for (const PanelRun& run : runs) {
    parts.push_back(vectors.slice(1, run.panel, run.panel + 1)
                        .expand({vectors.size(0), run.end - run.begin, vectors.size(2)}));
  }
  return at::cat(parts, 1);
}

/// The transpose of spread: [B, L, D] -> [B, N, D]; without runs all tokens' sum [B, D].
at::Tensor gather(const at::Tensor& x, const std::vector<PanelRun>& runs) {
  if (runs.empty()) return x.size(1) == 1 ? x.squeeze(1) : x.sum(1);
  int64_t panels = 0;
  for (const PanelRun& run : runs) panels = std::max(panels, run.panel + 1);
  at::Tensor sums = at::zeros({x.size(0), panels, x.size(2)}, x.options());
  for (const PanelRun& run : runs) {
    sums.select(1, run.panel).add_(x.slice(1, run.begin, run.end).sum(1));
  }
  return sums;
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
  const std::vector<PanelRun> runs = runs_of(condition, tokens, text_length);
  const auto vectors = [&](const at::Tensor& x, nn::LinearSaved* kept) {
    const at::Tensor y = nn::linear_forward(layer, x, kept).to(at::kFloat);
    return y.dim() == 3 ? spread(y, runs) : y.unsqueeze(1);  // [B, L or 1, parts * D]
  };
  const at::Tensor mask = mask_of(condition, tokens, text_length);
  at::Tensor all = vectors(condition.shared, nn::part_of(saved, &ModulationSaved::shared));
  if (mask.defined()) {
    all =
        at::where(mask, vectors(condition.given, nn::part_of(saved, &ModulationSaved::given)), all);
  }
  if (saved != nullptr) {
    saved->mask = mask;
    saved->runs = runs;
  }
  return all.chunk(parts, /*dim=*/-1);
}

void modulation_backward(const nn::Linear& layer, const ModulationSaved& saved,
                         const std::vector<at::Tensor>& parts, ConditionGradient& condition,
                         nn::Gradients& gradients) {
  const at::Tensor all = at::cat(parts, -1);
  if (!saved.mask.defined()) {
    layer_backward(layer, saved.shared, gather(all, saved.runs), condition.wanted, condition.shared,
                   gradients);
    return;
  }
  layer_backward(layer, saved.shared, gather(all.masked_fill(saved.mask, 0), saved.runs),
                 condition.wanted, condition.shared, gradients);
  layer_backward(layer, saved.given,
                 gather(all.masked_fill(saved.mask.logical_not(), 0), saved.runs), condition.wanted,
                 condition.given, gradients);
}

}  // namespace iclora::flux
