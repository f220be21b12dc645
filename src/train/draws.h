#pragma once
// All random draws of a training. A draw is a function of the seed, the optimizer step and the
// sample's position in the global batch (batch * accumulate samples): however the batch is cut into
// micro-batches, its samples meet the same numbers, and a resume has nothing to restore.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "run/config.h"

namespace iclora::train {

/// One sample's place: optimizer step from 0, position in the global batch from 0.
struct Place {
  uint64_t seed = 0;
  int64_t step = 0;
  int64_t position = 0;
};

/// Standard normal noise, fp32 [C, h, w].
at::Tensor draw_noise(const Place& place, int64_t channels, int64_t h, int64_t w);

/// sigma in (0, 1): sigmoid of a normal, or uniform; shifted by t' = s t / (1 + (s - 1) t).
float draw_timestep(const Place& place, const run::TimestepConfig& settings);

/// Whether the sample is trained without its caption.
bool draw_caption_dropout(const Place& place, double share);

/// Numbers (from 1) of the panels that stay clean: none, or with the probability `share` a random,
/// non-empty, proper subset of `panels`. A single panel is never given.
std::vector<int64_t> draw_given(const Place& place, double share, int64_t panels);

/// Whether the sample's caption says nothing of the panels that are given.
bool draw_given_silent(const Place& place, double share);

/// An endless shuffled sequence over `count` items: every pass shows each once. `bucket` tells
/// sequences of one training apart.
class Order {
 public:
  Order(uint64_t seed, uint64_t bucket, int64_t count);
  /// The item at `position` of the sequence.
  int64_t at(int64_t position);

 private:
  void shuffle(int64_t pass);
  uint64_t seed_;
  uint64_t bucket_;
  int64_t pass_ = -1;
  std::vector<int64_t> items_;
};

/// Which bucket each optimizer step takes its whole batch from, and where in the bucket's sequence
/// it begins. Buckets take turns by their sizes: after any number of steps each has had its share
/// to within one step.
class BucketTurns {
 public:
  explicit BucketTurns(std::vector<int64_t> sizes);
  struct Turn {
    size_t bucket = 0;
    int64_t count = 0;  ///< how many steps this bucket has had before
  };
  /// Of `step` from 0.
  Turn at(int64_t step);

 private:
  std::vector<int64_t> sizes_;
  std::vector<Turn> turns_;  ///< of the steps so far
  std::vector<int64_t> taken_;
};

}  // namespace iclora::train
