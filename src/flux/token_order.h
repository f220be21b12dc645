#pragma once
// Which tokens of a canvas the transformer sees, and in which order: all of them as one picture, or
// those of the panels, each a sequence of its own (panel_sequences.h).

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "flux/panel_sequences.h"

namespace iclora::flux {

/// What is said of image tokens beside their places.
struct Attention {
  at::Tensor given = {};  ///< bool [L]: tokens of given panels; undefined: none. L: as tokens_of
  GivenAttention how = {};
  CrossPanel across = CrossPanel::seen;  ///< of panels; one picture has none
};

class TokenOrder {
 public:
  /// A canvas of h x w latent pixels as one picture (no `panels`), or panel after panel.
  TokenOrder(std::vector<LatentBox> panels, int64_t h, int64_t w);

  /// [B, C, h, w] -> [B, L, 4 C].
  at::Tensor tokens_of(const at::Tensor& latents) const;
  /// The way back; zero where no panel is.
  at::Tensor latents_of(const at::Tensor& tokens) const;

  /// text [B, Lt, joint_attention_dim] and pooled [B, pooled_projection_dim] of one picture; of
  /// panels as panel_context takes them.
  Context context(const Config& config, const at::Tensor& text, const at::Tensor& pooled,
                  const Attention& attention = {}) const;

  /// The same in two, for given tokens that see only each other. The targets' tokens are those of
  /// tokens_of that are not given, in order; the given ones likewise.
  ApartContexts apart_contexts(const Config& config, const at::Tensor& text,
                               const at::Tensor& pooled, const at::Tensor& given,
                               double gain) const;

 private:
  std::vector<bool> given_panels(const at::Tensor& given) const;

  std::vector<LatentBox> panels_;
  int64_t h_, w_;
  at::Tensor order_;  ///< as panel_order; undefined without panels
};

}  // namespace iclora::flux
