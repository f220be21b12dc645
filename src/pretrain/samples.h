#pragma once
// Captions and labels of one step, as tensors.

#include "pretrain/draw.h"

namespace iclora::pretrain {

/// What a head is not to learn: the text leaves it open, or the drawing has no such attribute.
inline constexpr int64_t kUntold = -100;

/// B drawings of one shard with one wording each; P panels, C columns.
struct Samples {
  const Shard* shard = nullptr;
  std::vector<int64_t> drawings;  ///< [B]
  at::Tensor t5;                  ///< int64 [B, L], padded with 0
  at::Tensor clip;                ///< int64 [B, Lc], padded with the end
  at::Tensor parts;               ///< fp32 [B, P, L]: 1 / length on the tokens of each panel's part
  at::Tensor targets;             ///< int64 [B, P, C]: classes, or kUntold

  int64_t size() const { return t5.size(0); }
};

struct SampleSettings {
  int64_t text_length = 0;  ///< the model's whole length
  bool full_text = false;   ///< padded to it; else to what the longest caption needs
  double dropout = 0;       ///< share of samples without text
  int32_t clip_end = 0;     ///< CLIP's end token
  std::vector<int32_t> t5_empty, clip_empty;  ///< tokens of the empty text
};

/// Of the step's shard: phase.batch / P drawings (at least 1), drawn with replacement.
Samples draw_samples(const Shard& shard, int64_t count, const SampleSettings& settings,
                     const StepDraws& draws);

/// Drawings `first` to first + count - 1 with their first wording.
Samples samples_in_order(const Shard& shard, int64_t first, int64_t count,
                         const SampleSettings& settings);

/// The tokens of the empty text.
struct EmptyText {
  at::Tensor t5;    ///< int64 [1, length], padded with 0
  at::Tensor clip;  ///< int64 [1, Lc]
};
EmptyText empty_text(const SampleSettings& settings, int64_t length);

/// Sum over rows and columns of the cross-entropy of logits [M, total] against targets [M, C];
/// untold ones add nothing, and row m counts weights[m] times [M] where weights are given. Records
/// a graph.
at::Tensor column_loss(const at::Tensor& logits, const at::Tensor& targets,
                       const std::vector<int64_t>& sizes, const at::Tensor& weights = {});
/// How many targets are told.
int64_t told(const at::Tensor& targets);
/// Share of told targets that the logits have right, a column: NaN where none is told.
std::vector<double> column_accuracy(const at::Tensor& logits, const at::Tensor& targets,
                                    const std::vector<int64_t>& sizes);

}  // namespace iclora::pretrain
