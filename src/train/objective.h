#pragma once
// The paper's objective: flow matching with the velocity noise - image as the target.

#include <ATen/core/Tensor.h>

#include "train/micro_batch.h"

namespace iclora::train {

/// x_t = (1 - t) x0 + t n; x0 itself where the canvas is given.
at::Tensor noisy_latents(const MicroBatch& batch);

/// 1 where an element counts, 0 where it is given or a gutter: fp32 [B, 1, h, w]; undefined where
/// all count.
at::Tensor loss_weight(const MicroBatch& batch);

/// How many elements of the batch count.
int64_t counted_elements(const MicroBatch& batch);

struct Loss {
  double sum = 0;        ///< of the squared errors that count; the loss is sum / counted elements
  at::Tensor dvelocity;  ///< gradient of the loss [B, C, h, w], fp32
};

/// velocity: [B, C, h, w], of some samples of a batch in which `counted` elements count.
Loss velocity_loss(const MicroBatch& samples, const at::Tensor& velocity, int64_t counted);

/// The same against another target than noise - image: fp32 [B, C, h, w].
Loss target_loss(const MicroBatch& samples, const at::Tensor& velocity, const at::Tensor& target,
                 int64_t counted);

}  // namespace iclora::train
