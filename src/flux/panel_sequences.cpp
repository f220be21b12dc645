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
                      const std::vector<bool>& given, double gain, CrossPanel across) {
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
                                      context.panel_tokens, given, gain, across);
  return context;
}

}  // namespace iclora::flux
