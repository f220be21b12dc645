#pragma once
// The verb `eval`: held-out captions through a model, every panel read by the classifier.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "core/progress.h"
#include "eval/drawing_request.h"
#include "image/image.h"
#include "panels/grid.h"

namespace iclora::eval {

struct EvalRequest : DrawingRequest {
  std::filesystem::path captions;  ///< caption i of the file (from 0) is drawn with seed + i
  std::optional<std::filesystem::path> drawings;  ///< features of real drawings; none: no distance
  std::optional<panels::Grid> grid;               ///< only captions of this grid
  std::optional<int64_t> count;                   ///< at most so many captions of each grid
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
