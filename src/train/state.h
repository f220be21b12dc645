#pragma once
// All that changes during a training: what an exact resume needs beside configuration and data.

#include "core/json.h"
#include "run/checkpoint_store.h"
#include "train/adamw.h"
#include "train/trained_tensors.h"

namespace iclora::train {

struct State {
  int64_t step = 0;                  ///< optimizer steps done, skipped ones among them
  std::vector<at::Tensor> masters;   ///< fp32, those of TrainedTensors themselves
  std::vector<at::Tensor> averages;  ///< EMA, fp32; empty where it is off
  AdamWState optimizer;
  double rate_factor = 1.0;  ///< of the learning rate; halved by a rollback
  Json stop_policy;          ///< of run::StopPolicy
};

/// At step 0: moments zero, averages equal to the masters.
State initial_state(const TrainedTensors& trained, bool with_ema);

/// What the result is: the averages, or the masters where there are none.
const std::vector<at::Tensor>& result_values(const State& state);

/// `state.safetensors` (fp32: master, mean, square and ema of each trained tensor) and
/// `state.json`.
std::vector<run::CheckpointPart> checkpoint_parts(const State& state,
                                                  const TrainedTensors& trained);
/// Bytes of one checkpoint.
uint64_t checkpoint_bytes(const State& state);

/// Copies a checkpoint's values into `state`, in place: the masters stay those of the layers.
/// Errors (exit 2) when it was made by another configuration.
void restore(const run::StoredCheckpoint& checkpoint, const TrainedTensors& trained, State& state);

}  // namespace iclora::train
