#pragma once
// flux-mini's transformer, as the timings use it.

#include "flux/config.h"

namespace iclora::bench {

flux::Config mini_config();

/// Multiply-adds of the linear layers and the attention of one forward pass of one sample, counted
/// twice.
double forward_flop(const flux::Config& config, int64_t text, int64_t image);

}  // namespace iclora::bench
