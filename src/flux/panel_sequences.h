#pragma once
// Panels as sequences of their own: from the canvas' tokens to the panels' and back, and what the
// transformer is told of them (Group Diffusion Transformers, arXiv 2410.15027).

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "flux/transformer.h"

namespace iclora::flux {

/// A panel on the canvas, in latent pixels; all even.
struct LatentBox {
  int64_t x = 0, y = 0, width = 0, height = 0;
};

/// int64 [L]: where on a canvas of h x w latent pixels each token of each panel in turn comes from.
/// Tokens of no panel (gutters) do not occur.
at::Tensor panel_order(const std::vector<LatentBox>& panels, int64_t h, int64_t w);

/// [B, canvas tokens, ...] -> [B, panels' tokens, ...].
at::Tensor to_panels(const at::Tensor& canvas, const at::Tensor& order);
/// The way back; zero where no panel is. `canvas_tokens`: h/2 * w/2.
at::Tensor to_canvas(const at::Tensor& panels, const at::Tensor& order, int64_t canvas_tokens);

/// text: the panels' captions one after the other [B, N * Lt, joint_attention_dim]; pooled: [B, N,
/// pooled_projection_dim]. Positions begin anew in each panel. `given`: a value a panel, or none;
/// `how`, `across`: as panel_attention.
Context panel_context(const Config& config, const std::vector<LatentBox>& panels,
                      const at::Tensor& text, const at::Tensor& pooled,
                      const std::vector<bool>& given = {}, const GivenAttention& how = {},
                      CrossPanel across = CrossPanel::seen);

/// A context in two, where given tokens see only each other.
struct ApartContexts {
  Context targets;  ///< what is drawn, and its text; given_keys are still to be computed
  Context given;    ///< of given tokens alone, as given_keys_forward takes it
};

/// As panel_context. Captions of given panels are nobody's then: they are left out.
ApartContexts apart_panel_contexts(const Config& config, const std::vector<LatentBox>& panels,
                                   const at::Tensor& text, const at::Tensor& pooled,
                                   const std::vector<bool>& given, double gain);

}  // namespace iclora::flux
