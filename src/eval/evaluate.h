#pragma once
// The verb `eval`: held-out captions through a model, every panel read by the classifier.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "core/progress.h"
#include "image/image.h"
#include "panels/grid.h"
#include "sampling/request.h"

namespace iclora::eval {

struct EvalRequest {
  std::string model;  ///< a folder or a name
  std::filesystem::path captions;
  std::optional<std::filesystem::path> classifier;  ///< none: looked up beside the models
  std::optional<std::filesystem::path> drawings;  ///< features of real drawings; none: no distance
  std::optional<panels::Grid> grid;               ///< only captions of this grid
  std::optional<int64_t> count;                   ///< at most so many captions of each grid
  std::optional<sampling::Size> panel;            ///< none: the model's native size
  int64_t steps = 20;
  double guidance = 3.5;
  double cfg = 1.0;
  uint64_t seed = 0;  ///< caption i of the file (from 0) is drawn with seed + i
  int64_t batch = 8;
  std::optional<int64_t> text_length;
  std::optional<std::string> dtype;
  std::vector<std::filesystem::path> model_search;
};

/// Strict, as sampling::request_from_json.
EvalRequest eval_request_from_json(const Json& json, const std::string& origin);

struct EvalResult {
  Json report;  ///< docs: tools/classifier/README.md
  image::Image sheet;
  std::vector<image::Image> pictures;  ///< canvases, in the order of the report's results
};

/// All inputs are read and checked before anything is drawn. Nothing is written. Errors (exit 2)
/// name the file.
EvalResult evaluate(const EvalRequest& request, Progress& progress);

}  // namespace iclora::eval
