#pragma once
// Micro-batches out of a file instead of data and random draws (design 4.4, --replay): proof
// against a reference, and debugging.

#include <filesystem>

#include "flux/config.h"
#include "train/micro_batch.h"
#include "weights/checkpoint.h"

namespace iclora::train {

class Replay {
 public:
  /// Errors (exit 2) name the tensor that is missing or of the wrong shape.
  Replay(const std::filesystem::path& path, const flux::Config& config);

  int64_t count() const { return count_; }
  /// Micro-batch k from 0.
  MicroBatch batch(int64_t k) const;

 private:
  at::Tensor tensor(int64_t k, const char* name) const;
  std::string origin_;
  weights::Checkpoint checkpoint_;
  int64_t count_ = 0;
};

}  // namespace iclora::train
