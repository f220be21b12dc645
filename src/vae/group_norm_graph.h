#pragma once
// The group norm's forward and backward pair as one node of libtorch's autograd graph.

#include "vae/group_norm.h"

namespace iclora::vae {

/// group_norm_training_forward(), recorded.
at::Tensor group_norm_graph(const GroupNorm& norm, const at::Tensor& x, bool silu);

}  // namespace iclora::vae
