#pragma once
// From noise to an image's latents: Euler steps along the transformer's velocity.

#include <ATen/core/Tensor.h>

#include <optional>
#include <vector>

#include "core/progress.h"
#include "flux/transformer.h"
#include "sampling/given.h"

namespace iclora::sampling {

/// What a prompt became, or B prompts of a batch.
struct Conditioning {
  at::Tensor text;    ///< T5 states [B, Lt, joint_attention_dim]
  at::Tensor pooled;  ///< [B, pooled_projection_dim]
};

struct EulerSettings {
  std::vector<float> sigmas;         ///< steps + 1 levels, the last 0
  double guidance = 3.5;             ///< embedded; ignored by models without guidance embedding
  double cfg = 1.0;                  ///< true classifier-free guidance; with a negative prompt only
  std::optional<GivenTokens> given;  ///< panels that are there already
};

/// noise: fp32 [B, C, h, w] -> latents of the same shape, fp32, in the transformer's scale; the
/// conditionings are of B prompts. The sample stays fp32 between steps whatever the model computes
/// in. With a negative conditioning the velocity is negative + cfg * (positive - negative), at two
/// evaluations a step.
/// Throws Cancelled between steps; numerics error (exit 7) when the result is not finite.
at::Tensor euler_sample(const flux::Transformer& transformer, const at::Tensor& noise,
                        const Conditioning& positive, const std::optional<Conditioning>& negative,
                        const EulerSettings& settings, Progress& progress);

}  // namespace iclora::sampling
