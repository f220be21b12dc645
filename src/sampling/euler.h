#pragma once
// From noise to an image's latents: Euler steps along the transformer's velocity.

#include <ATen/core/Tensor.h>

#include <optional>
#include <vector>

#include "core/progress.h"
#include "flux/token_order.h"
#include "flux/transformer.h"
#include "sampling/given.h"

namespace iclora::sampling {

/// What a prompt became, or B prompts of a batch. Where N panels are sequences of their own, their
/// prompts in turn: [B, N * Lt, ...] and [B, N, ...].
struct Conditioning {
  at::Tensor text;    ///< T5 states [B, Lt, joint_attention_dim]
  at::Tensor pooled;  ///< [B, pooled_projection_dim]
};

struct EulerSettings {
  std::vector<float> sigmas;         ///< steps + 1 levels, the last 0
  double guidance = 3.5;             ///< embedded; ignored by models without guidance embedding
  double cfg = 1.0;                  ///< true classifier-free guidance; with a negative prompt only
  std::optional<GivenTokens> given;  ///< panels that are there already
  double given_attention = 1.0;      ///< how much more they are looked at (flux::canvas_attention)
  /// Panels that are sequences of their own (method gdt); none: the canvas is one picture.
  std::vector<flux::LatentBox> panels;
  flux::CrossPanel across = flux::CrossPanel::seen;  ///< whether they see each other
};

/// noise: fp32 [B, C, h, w] -> latents of the same shape, fp32, in the transformer's scale; the
/// conditionings are of B prompts. The sample stays fp32 between steps whatever the model computes
/// in. With a negative conditioning the velocity is negative + cfg * (positive - negative), at two
/// evaluations a step. Latents between panels that are sequences of their own come out as zero:
/// nobody sees or draws them. Throws Cancelled between steps; numerics error (exit 7) when the
/// result is not finite.
at::Tensor euler_sample(const flux::Transformer& transformer, const at::Tensor& noise,
                        const Conditioning& positive, const std::optional<Conditioning>& negative,
                        const EulerSettings& settings, Progress& progress);

}  // namespace iclora::sampling
