#pragma once
// What a model that is to need one pass a step learns from itself in two.

#include "flux/transformer.h"

namespace iclora::pretrain {

/// Classifier-free guidance (Ho and Salimans, arXiv:2207.12598): without + scale * (with - without)
/// of the velocities under a caption and under the empty one. query.guidance is what is embedded in
/// both passes; scale: fp32 [B]. -> fp32 [B, Li, in_channels]
at::Tensor guided_velocity(const flux::Transformer& transformer, const flux::Query& query,
                           const flux::Context& with, const flux::Context& without,
                           const at::Tensor& scale);

}  // namespace iclora::pretrain
