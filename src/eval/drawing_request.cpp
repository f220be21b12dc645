#include "eval/drawing_request.h"

#include <limits>

#include "core/error.h"
#include "runtime/processor.h"

namespace iclora::eval {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMostSteps = 1000, kMostBatch = 1024, kLongestText = 4096;
constexpr double kMostGuidance = 1000;
const char* const kClassifierName = "classifier/classifier.safetensors";

double guidance_in(const Json& json, const char* key, const std::string& origin, double fallback) {
  const double value = json_number_or(json, key, origin, fallback);
  if (value < 0 || value > kMostGuidance) {
    fail_input("{}: '{}' is {}, expected 0 to {}.", origin, key, value, kMostGuidance);
  }
  return value;
}

}  // namespace

void read_drawing_request(const Json& json, const std::string& origin, DrawingRequest& out) {
  if (json.contains("classifier")) out.classifier = json_string(json, "classifier", origin);
  if (json.contains("panel")) {
    out.panel = sampling::request_from_json({{"panel", json["panel"]}}, origin).panel;
  }
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  out.steps = json_integer_or(json, "steps", origin, 1, kMostSteps, out.steps);
  out.guidance = guidance_in(json, "guidance", origin, out.guidance);
  out.cfg = guidance_in(json, "cfg", origin, out.cfg);
  out.seed = static_cast<uint64_t>(json_integer_or(json, "seed", origin, 0, kMost, 0));
  out.batch = json_integer_or(json, "batch", origin, 1, kMostBatch, out.batch);
  if (json.contains("text_length")) {
    out.text_length = json_integer(json, "text_length", origin, 1, kLongestText);
  }
  if (json.contains("dtype")) {
    out.dtype = json_string(json, "dtype", origin);
    if (*out.dtype != "fp32" && *out.dtype != "bf16") {
      fail_input("{}: 'dtype' is '{}', expected fp32 or bf16.", origin, printable(*out.dtype));
    }
  }
  if (const auto folders = json.find("model_search"); folders != json.end()) {
    for (const Json& folder : *folders) out.model_search.emplace_back(folder.get<std::string>());
  }
}

std::optional<fs::path> find_classifier(const DrawingRequest& request) {
  if (request.classifier) return request.classifier;
  for (const fs::path& folder : request.model_search) {
    std::error_code ignored;
    if (fs::exists(folder / kClassifierName, ignored)) return folder / kClassifierName;
  }
  return std::nullopt;
}

fs::path classifier_path(const DrawingRequest& request) {
  if (const auto found = find_classifier(request)) return *found;
  fail_input("No classifier was found beside the models ({}); name one with --classifier FILE.",
             kClassifierName);
}

DrawSettings draw_settings(const DrawingRequest& request, const sampling::OpenModel& model) {
  DrawSettings settings;
  settings.steps = request.steps;
  settings.guidance = request.guidance;
  settings.cfg = request.cfg;
  settings.batch = request.batch;
  settings.text_length = request.text_length.value_or(sampling::default_text_length(model));
  settings.dtype = request.dtype.value_or(runtime::has_bf16_products() ? "bf16" : "fp32");
  return settings;
}

Json settings_json(const DrawingRequest& request, const DrawSettings& settings) {
  return {
      {"steps", settings.steps}, {"guidance", settings.guidance},       {"cfg", settings.cfg},
      {"seed", request.seed},    {"text_length", settings.text_length}, {"batch", settings.batch},
      {"dtype", settings.dtype}};
}

}  // namespace iclora::eval
