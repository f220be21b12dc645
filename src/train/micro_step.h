#pragma once
// One micro-batch forward and backward, its samples shared among the threads.

#include "flux/transformer.h"
#include "train/micro_batch.h"

namespace iclora::train {

struct MicroStepSettings {
  bool checkpointing = false;
  bool given_at_zero = false;  ///< given tokens live at timestep 0 instead of the sample's
  flux::GivenSees given_sees = flux::GivenSees::all;
  double guidance = 1.0;      ///< what the guidance embedding is told in training
  int64_t micro_batches = 1;  ///< whose mean loss the gradient is of
};

/// Adds the gradients of the micro-batch's mean loss, each its share of `micro_batches`, and
/// returns that loss. The share is taken where the backward pass begins, so that a batch gives the
/// same bytes however it is cut.
///
/// The samples are cut into at most 16 shards (one a sample where given tokens see only each
/// other), each computed by one thread from start to end, and the shards' gradients are added in
/// their order: the bytes do not depend on the thread count.
double micro_step(const flux::Transformer& transformer, const MicroBatch& batch,
                  const MicroStepSettings& settings, nn::Gradients& gradients);

/// Squared errors of the velocity, averaged over channels, element by element of the canvas: fp32
/// [B, h, w]. No gradients; sample by sample, so that a sample's errors do not depend on the
/// others. Between panels that are sequences of their own it says nothing.
at::Tensor error_map(const flux::Transformer& transformer, const MicroBatch& batch,
                     const MicroStepSettings& settings);

}  // namespace iclora::train
