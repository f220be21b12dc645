#include "flux/panel_sequences.h"

#include <ATen/ATen.h>

#include "core/error.h"
#include "flux/latents.h"

namespace iclora::flux {

at::Tensor panel_order(const std::vector<LatentBox>& panels, int64_t h, int64_t w) {
  const at::Tensor numbers = at::arange(h / 2 * (w / 2), at::kLong).view({h / 2, w / 2});
  std::vector<at::Tensor> parts;
  parts.reserve(panels.size());
  for (const LatentBox& box : panels) {
    if (box.x % 2 != 0 || box.y % 2 != 0 || box.width % 2 != 0 || box.height % 2 != 0) {
      fail(ErrorKind::internal, "panel_order: a panel's edge lies inside a token.");
    }
    parts.push_back(numbers.slice(0, box.y / 2, (box.y + box.height) / 2)
                        .slice(1, box.x / 2, (box.x + box.width) / 2)
                        .flatten());
  }
  return at::cat(parts);
}

at::Tensor to_panels(const at::Tensor& canvas, const at::Tensor& order) {
  return canvas.index_select(1, order);
}

at::Tensor to_canvas(const at::Tensor& panels, const at::Tensor& order, int64_t canvas_tokens) {
  std::vector<int64_t> shape = panels.sizes().vec();
  shape[1] = canvas_tokens;
  return at::zeros(shape, panels.options()).index_copy(1, order, panels);
}

Context panel_context(const Config& config, const std::vector<LatentBox>& panels,
                      const at::Tensor& text, const at::Tensor& pooled,
                      const std::vector<bool>& given, const GivenAttention& how,
                      CrossPanel across) {
  Context context;
  context.text = text;
  context.pooled = pooled;
  std::vector<at::Tensor> ids = {text_ids(text.size(1))};
  for (const LatentBox& box : panels) {
    ids.push_back(image_ids(box.height, box.width));
    context.panel_tokens.push_back(box.height / 2 * (box.width / 2));
  }
  context.rope = nn::rope_table(at::cat(ids), config.axes_dims_rope, kRopeTheta);
  context.attention = panel_attention(text.size(1) / static_cast<int64_t>(panels.size()),
                                      context.panel_tokens, given, how, across);
  return context;
}

ApartContexts apart_panel_contexts(const Config& config, const std::vector<LatentBox>& panels,
                                   const at::Tensor& text, const at::Tensor& pooled,
                                   const std::vector<bool>& given, double gain) {
  std::vector<LatentBox> targets;
  std::vector<int64_t> target_numbers, given_numbers;
  std::vector<at::Tensor> given_ids;
  ApartContexts out;
  int64_t given_tokens = 0;
  for (size_t i = 0; i < panels.size(); ++i) {
    const LatentBox& box = panels[i];
    if (!given[i]) {
      targets.push_back(box);
      target_numbers.push_back(static_cast<int64_t>(i));
      continue;
    }
    given_numbers.push_back(static_cast<int64_t>(i));
    given_ids.push_back(image_ids(box.height, box.width));
    out.given.panel_tokens.push_back(box.height / 2 * (box.width / 2));
    given_tokens += out.given.panel_tokens.back();
  }
  const auto of = [](const at::Tensor& x, const std::vector<int64_t>& numbers) {
    return x.index_select(1, at::tensor(numbers, at::kLong));
  };
  const at::Tensor captions =
      text.unflatten(1, {static_cast<int64_t>(panels.size()), -1});  // [B, N, Lt, dim]
  out.targets = panel_context(config, targets, of(captions, target_numbers).flatten(1, 2),
                              of(pooled, target_numbers));
  out.targets.attention =
      panel_attention_beside(captions.size(2), out.targets.panel_tokens, given_tokens, gain);
  out.given.pooled = of(pooled, given_numbers);
  out.given.rope = nn::rope_table(at::cat(given_ids), config.axes_dims_rope, kRopeTheta);
  return out;
}

}  // namespace iclora::flux
