#pragma once
// The verb `eval` on held-out sets: the base without training against adapters, on the same
// captions and seeds, between what real sets reach (`drawn`), also through the model's autoencoder
// (`rebuilt`), and what panels of different sets reach (`shuffled`).

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "core/progress.h"
#include "eval/drawing_request.h"
#include "eval/loss_curve.h"
#include "eval/row.h"
#include "eval/test_sets.h"

namespace iclora::eval {

struct CompareRequest : DrawingRequest {
  /// Set i (from 0) is drawn with seed + i, in every row; its k-th repetition with that plus k
  /// times the number of sets. Without a model only the real sets are measured.
  std::filesystem::path sets;
  std::vector<sampling::LoraChoice> loras;  ///< a row each
  bool allow_unmatched = false;
  bool base = true;  ///< a row without adapter
  std::optional<panels::Grid> grid;
  std::optional<int64_t> count;       ///< only the first sets
  std::optional<double> held_out;     ///< see TestSetOptions
  std::optional<TrainingSets> train;  ///< measures train_distance too
  int64_t repeat = 1;                 ///< canvases a set
};

/// Strict, as sampling::request_from_json.
CompareRequest compare_request_from_json(const Json& json, const std::string& origin);

struct Comparison {
  TestSets sets;
  std::optional<Classifier> classifier;
  std::vector<Row> rows;
  std::vector<LossPoint> losses;  ///< of the training that is scored, if one is
  Json report;                    ///< docs/eval.md
};

/// All inputs are read and checked before anything is drawn. Nothing is written. Errors (exit 2)
/// name the file.
Comparison compare(const CompareRequest& request, Progress& progress);

}  // namespace iclora::eval
