#pragma once
// The learning rate of each optimizer step.

#include <cstdint>

#include "run/config.h"

namespace iclora::run {

/// Of step k from 0, 0 <= k < train.steps: learning_rate * min(1, (k + 1) / warmup) while it warms
/// up (k < warmup); then, with p = (k - warmup) / (steps - warmup), constant: learning_rate,
/// linear: learning_rate * (1 - p), cosine: learning_rate * (1 + cos(pi p)) / 2. Linear and cosine
/// would be 0 at k = steps.
double learning_rate(const TrainConfig& train, int64_t step);

}  // namespace iclora::run
