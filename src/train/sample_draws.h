#pragma once
// What each sample of a training is: which item of the plan, which of its panels are given, and
// what the text says of it.

#include <cstdint>
#include <vector>

#include "dataset/plan.h"
#include "run/config.h"
#include "train/draws.h"

namespace iclora::train {

struct Sample {
  size_t item = 0;             ///< index into Plan::training
  std::vector<int64_t> given;  ///< numbers (from 1) of the panels that stay clean
  bool captioned = true;
  bool silent = false;  ///< the caption says nothing of the given panels
};

/// A function of configuration and plan alone.
class SampleDraws {
 public:
  SampleDraws(const dataset::Plan& plan, const run::TrainConfig& train);
  /// The bucket from which optimizer step `step` takes its whole batch, an index into
  /// Plan::buckets.
  size_t bucket(int64_t step) { return turns_.at(step).bucket; }
  /// Position in the global batch from 0.
  Sample at(int64_t step, int64_t position);

 private:
  struct Bucket {
    std::vector<size_t> items;
    int64_t panels = 0;
    Order order;
  };
  run::TrainConfig train_;
  std::vector<Bucket> buckets_;
  BucketTurns turns_;
};

}  // namespace iclora::train
