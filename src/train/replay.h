#pragma once
// Micro-batches out of a file instead of data and random draws (design 4.4, --replay): proof
// against a reference, and debugging.

#include <filesystem>
#include <optional>

#include "flux/config.h"
#include "panels/layout.h"
#include "train/micro_batch.h"
#include "weights/checkpoint.h"

namespace iclora::train {

/// How a file's canvases are cut where panels are sequences of their own (method gdt).
struct ReplayPanels {
  std::optional<panels::Grid> grid;  ///< none: only canvases of one panel can be
  int64_t gutter = 0;                ///< pixels
};

class Replay {
 public:
  /// With `apart`, a canvas of N panels has `k.t5 [B, N * Lt, dim]` and `k.clip [B, N, dim]`.
  /// Errors (exit 2) name the tensor that is missing or of the wrong shape.
  Replay(const std::filesystem::path& path, const flux::Config& config,
         std::optional<ReplayPanels> apart = std::nullopt);

  int64_t count() const { return count_; }
  /// Micro-batch k from 0.
  MicroBatch batch(int64_t k) const;
  /// Of micro-batch k: one panel, unless panels are sequences of their own.
  panels::Layout layout(int64_t k) const;

 private:
  at::Tensor tensor(int64_t k, const char* name) const;
  /// Error (exit 2) unless the texts of micro-batch k are of its panels.
  void check_texts(int64_t k, const flux::Config& config) const;
  std::optional<ReplayPanels> apart_;
  std::string origin_;
  weights::Checkpoint checkpoint_;
  int64_t count_ = 0;
};

}  // namespace iclora::train
