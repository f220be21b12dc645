#include "flux/token_order.h"

#include <ATen/ATen.h>

#include "flux/latents.h"

namespace iclora::flux {
namespace {

std::vector<bool> flags_of(const at::Tensor& given) {
  if (!given.defined()) return {};
  const at::Tensor dense = given.contiguous();
  const bool* values = dense.const_data_ptr<bool>();
  return std::vector<bool>(values, values + dense.numel());
}

}  // namespace

TokenOrder::TokenOrder(std::vector<LatentBox> panels, int64_t h, int64_t w)
    : panels_(std::move(panels)), h_(h), w_(w) {
  if (!panels_.empty()) order_ = panel_order(panels_, h, w);
}

at::Tensor TokenOrder::tokens_of(const at::Tensor& latents) const {
  const at::Tensor tokens = pack_latents(latents);
  return order_.defined() ? to_panels(tokens, order_) : tokens;
}

at::Tensor TokenOrder::latents_of(const at::Tensor& tokens) const {
  return unpack_latents(order_.defined() ? to_canvas(tokens, order_, h_ / 2 * (w_ / 2)) : tokens,
                        h_, w_);
}

std::vector<bool> TokenOrder::given_panels(const at::Tensor& given) const {
  // A panel is given whole or not at all: its first token says which.
  const std::vector<bool> tokens = flags_of(given);
  std::vector<bool> out;
  if (tokens.empty()) return out;
  out.reserve(panels_.size());
  size_t first = 0;
  for (const LatentBox& box : panels_) {
    out.push_back(tokens[first]);
    first += static_cast<size_t>(box.height / 2 * (box.width / 2));
  }
  return out;
}

Context TokenOrder::context(const Config& config, const at::Tensor& text, const at::Tensor& pooled,
                            const Attention& attention) const {
  if (!panels_.empty()) {
    return panel_context(config, panels_, text, pooled, given_panels(attention.given),
                         attention.how, attention.across);
  }
  Context context = {text, pooled, canvas_rope(config, text.size(1), h_, w_)};
  context.attention = canvas_attention(text.size(1), flags_of(attention.given), attention.how);
  return context;
}

ApartContexts TokenOrder::apart_contexts(const Config& config, const at::Tensor& text,
                                         const at::Tensor& pooled, const at::Tensor& given,
                                         double gain) const {
  if (!panels_.empty()) {
    return apart_panel_contexts(config, panels_, text, pooled, given_panels(given), gain);
  }
  const int64_t text_length = text.size(1);
  const nn::RopeTable all = canvas_rope(config, text_length, h_, w_);
  const auto turns = [&](const at::Tensor& places) {
    return nn::RopeTable{all.cos.index_select(0, places), all.sin.index_select(0, places)};
  };
  const at::Tensor target_places = given.logical_not().nonzero().flatten() + text_length;
  const at::Tensor given_places = given.nonzero().flatten() + text_length;
  ApartContexts out;
  out.targets = {text, pooled, turns(at::cat({at::arange(text_length, at::kLong), target_places}))};
  out.targets.attention =
      canvas_attention_beside(text_length, target_places.size(0), given_places.size(0), gain);
  out.given = {{}, pooled, turns(given_places)};
  return out;
}

}  // namespace iclora::flux
