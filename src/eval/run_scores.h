#pragma once
// The adapters that a training has saved on its way, compared on held-out sets: which is best, and
// whether the training went on too long.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "eval/compare.h"

namespace iclora::eval {

struct RunRequest : CompareRequest {
  std::filesystem::path run;  ///< a training's folder
};

/// As compare_request_from_json, beside `run`; `sets` and `model` may be left out, adapters may not
/// be named.
RunRequest run_request_from_json(const Json& json, const std::string& origin);

/// An adapter of a run.
struct SavedAdapter {
  std::filesystem::path file;
  int64_t step = 0;
};
/// lora/NAME-000200.safetensors and so on in the order of their steps, and lora/NAME.safetensors
/// where it is another than the last of these. Errors (exit 2): no run's folder, no adapter.
std::vector<SavedAdapter> saved_adapters(const std::filesystem::path& run, const std::string& name);

/// compare() of all of them, on `sets`, else on those that the run's own configuration holds out
/// (data.validation). The report gains `run`: {"folder", "name", "score": the measure that decides
/// ("success" with labels, else "like_real"), "best": the row, "best_step", "warnings":
/// [sentence]}, its rows `step`, and every row the measure train_distance: how far the canvas is
/// from the nearest training set (mean difference of the panels' thumbnails).
Comparison score_run(const RunRequest& request, Progress& progress);

/// The best row (of equals the one with more adherence, then more like the real sets, then the
/// first), and what should be said: an earlier adapter that is better than the last by more than
/// the interval of their paired difference; a best that is not so against the base; a last one
/// whose sets lie nearer to training sets than real held-out sets do.
struct RunVerdict {
  size_t best = 0;  ///< index of the row
  std::vector<std::string> warnings;
};
RunVerdict judge_run(const std::vector<Row>& rows, const std::string& score);

}  // namespace iclora::eval
