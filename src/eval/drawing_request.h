#pragma once
// What every form of `eval` that draws is asked: which model, how, and what reads the panels.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "eval/draw.h"
#include "sampling/model.h"
#include "sampling/request.h"

namespace iclora::eval {

struct DrawingRequest {
  std::string model;                                ///< a folder or a name
  std::optional<std::filesystem::path> classifier;  ///< none: looked up beside the models
  std::optional<sampling::Size> panel;              ///< none: the model's native size
  int64_t steps = 20;
  double guidance = 3.5;
  double cfg = 1.0;
  uint64_t seed = 0;
  int64_t batch = 8;
  std::optional<int64_t> text_length;
  std::optional<std::string> dtype;
  std::vector<std::filesystem::path> model_search;
};

/// Fills in what `json` holds of these, strictly (exit 2); `model` is not read here.
void read_drawing_request(const Json& json, const std::string& origin, DrawingRequest& out);

/// As asked for, else the one beside the models; none where there is none.
std::optional<std::filesystem::path> find_classifier(const DrawingRequest& request);
/// The same; error (exit 2) where there is none.
std::filesystem::path classifier_path(const DrawingRequest& request);

DrawSettings draw_settings(const DrawingRequest& request, const sampling::OpenModel& model);
/// steps, guidance, cfg, seed, text_length, batch, dtype.
Json settings_json(const DrawingRequest& request, const DrawSettings& settings);

}  // namespace iclora::eval
