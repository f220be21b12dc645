#include "eval/evaluate.h"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>
#include <map>

#include "core/error.h"
#include "eval/distance.h"
#include "eval/draw.h"
#include "eval/score.h"
#include "eval/sheet.h"
#include "runtime/processor.h"
#include "sampling/model.h"

namespace iclora::eval {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMostSteps = 1000, kMostBatch = 1024, kLongestText = 4096;
constexpr int64_t kDefaultPanel = 1024;
const char* const kClassifierName = "classifier/classifier.safetensors";

fs::path classifier_path(const EvalRequest& request) {
  if (request.classifier) return *request.classifier;
  for (const fs::path& folder : request.model_search) {
    std::error_code ignored;
    if (fs::exists(folder / kClassifierName, ignored)) return folder / kClassifierName;
  }
  fail_input("No classifier was found beside the models ({}); name one with --classifier FILE.",
             kClassifierName);
}

/// Captions of the wanted grids, and their places in the file.
std::vector<std::pair<HeldOutCaption, size_t>> chosen(const EvalRequest& request,
                                                      const Classifier& classifier) {
  std::vector<std::pair<HeldOutCaption, size_t>> out;
  std::map<std::string, int64_t> counts;
  const auto all = read_captions(request.captions, classifier);
  for (size_t i = 0; i < all.size(); ++i) {
    if (request.grid && all[i].grid != *request.grid) continue;
    if (request.count && ++counts[panels::to_string(all[i].grid)] > *request.count) continue;
    out.emplace_back(all[i], i);
  }
  if (out.empty()) {
    fail_input("'{}' has no caption of the grid {}.", printable(request.captions.native(), 400),
               panels::to_string(*request.grid));
  }
  return out;
}

Json panel_json(const Expected& expected, const std::vector<Guess>& found,
                const Classifier& classifier) {
  Json wanted = Json::object(), read = Json::object();
  for (const auto& [column, index] : expected) {
    const Column& about = classifier.columns[column];
    wanted[about.name] = about.classes[static_cast<size_t>(index)];
    read[about.name] = {{"class", about.classes[static_cast<size_t>(found[column].index)]},
                        {"probability", std::round(found[column].probability * 1e3) / 1e3}};
  }
  return {{"expected", wanted}, {"read", read}};
}

Json settings_json(const EvalRequest& request, const DrawSettings& settings) {
  return {
      {"steps", settings.steps}, {"guidance", settings.guidance},       {"cfg", settings.cfg},
      {"seed", request.seed},    {"text_length", settings.text_length}, {"batch", settings.batch},
      {"dtype", settings.dtype}};
}

Json distance_json(const Moments& drawings, const at::Tensor& features) {
  const Moments generated = moments_of(features);
  return {{"frechet", frechet_distance(generated, drawings)},
          {"mean", mean_distance(generated, drawings)},
          {"panels", generated.count},
          {"drawings", drawings.count}};
}

}  // namespace

EvalRequest eval_request_from_json(const Json& json, const std::string& origin) {
  EvalRequest out;
  out.model = json_string(json, "model", origin);
  out.captions = json_string(json, "captions", origin);
  if (json.contains("classifier")) out.classifier = json_string(json, "classifier", origin);
  if (json.contains("drawings")) out.drawings = json_string(json, "drawings", origin);
  if (json.contains("grid")) out.grid = panels::parse_grid(json_string(json, "grid", origin));
  if (json.contains("panel")) {
    out.panel = sampling::request_from_json({{"panel", json["panel"]}}, origin).panel;
  }
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  if (json.contains("count")) out.count = json_integer(json, "count", origin, 1, kMost);
  out.steps = json_integer_or(json, "steps", origin, 1, kMostSteps, out.steps);
  out.guidance = json_number_or(json, "guidance", origin, out.guidance);
  out.cfg = json_number_or(json, "cfg", origin, out.cfg);
  out.seed = static_cast<uint64_t>(json_integer_or(json, "seed", origin, 0, kMost, 0));
  out.batch = json_integer_or(json, "batch", origin, 1, kMostBatch, out.batch);
  if (json.contains("text_length")) {
    out.text_length = json_integer(json, "text_length", origin, 1, kLongestText);
  }
  if (json.contains("dtype")) {
    out.dtype = json_string(json, "dtype", origin);
    if (*out.dtype != "fp32" && *out.dtype != "bf16") {
      fail_input("--dtype is '{}'; it must be fp32 or bf16.", printable(*out.dtype));
    }
  }
  if (const auto folders = json.find("model_search"); folders != json.end()) {
    for (const Json& folder : *folders) out.model_search.emplace_back(folder.get<std::string>());
  }
  return out;
}

EvalResult evaluate(const EvalRequest& request, Progress& progress) {
  const fs::path classifier_file = classifier_path(request);
  const Classifier classifier = open_classifier(classifier_file);
  const auto captions = chosen(request, classifier);
  std::optional<Moments> drawings;
  if (request.drawings) drawings = open_moments(*request.drawings, classifier);
  const sampling::OpenModel model = sampling::open_model(request.model, request.model_search);

  DrawSettings settings;
  settings.steps = request.steps;
  settings.guidance = request.guidance;
  settings.cfg = request.cfg;
  settings.batch = request.batch;
  settings.text_length = request.text_length.value_or(sampling::default_text_length(model));
  settings.dtype = request.dtype.value_or(runtime::has_bf16_products() ? "bf16" : "fp32");
  const sampling::Size panel =
      request.panel.value_or(sampling::Size{model.folder.native_width.value_or(kDefaultPanel),
                                            model.folder.native_height.value_or(kDefaultPanel)});
  panels::check_token_multiple(panel.width, panel.height, "--panel");
  std::vector<DrawTask> tasks;
  for (const auto& [caption, place] : captions) {
    tasks.push_back({caption.caption, panels::grid_layout(caption.grid, panel.width, panel.height),
                     request.seed + place});
  }

  EvalResult out;
  out.pictures = draw_canvases(model, tasks, settings, progress);

  std::vector<ReadCanvas> canvases;
  std::vector<at::Tensor> features;
  std::map<std::string, std::vector<ReadCanvas>> by_grid;
  Json results = Json::array();
  for (size_t i = 0; i < captions.size(); ++i) {
    const HeldOutCaption& caption = captions[i].first;
    const ClassifierOutput read =
        classify(classifier, classifier_input(panels::split(out.pictures[i], tasks[i].layout)));
    features.push_back(read.features);
    canvases.push_back({&caption, guesses(classifier, read.logits)});
    by_grid[panels::to_string(caption.grid)].push_back(canvases.back());
    Json panels_json = Json::array();
    for (size_t number = 0; number < caption.panels.size(); ++number) {
      panels_json.push_back(
          panel_json(caption.panels[number], canvases.back().panels[number], classifier));
    }
    results.push_back({{"id", caption.id},
                       {"grid", panels::to_string(caption.grid)},
                       {"seed", tasks[i].seed},
                       {"caption", caption.caption},
                       {"panels", panels_json}});
  }

  Json grids = Json::object();
  for (const auto& [grid, read] : by_grid) grids[grid] = score_json(read, classifier);
  out.report = {{"version", 1},
                {"model", model.folder.path.native()},
                {"model_sha256", model.model_sha256},
                {"classifier_sha256", classifier.sha256},
                {"captions", request.captions.native()},
                {"settings", settings_json(request, settings)},
                {"grids", grids}};
  const at::Tensor all_features = at::cat(features);
  if (drawings && all_features.size(0) >= 2) {
    out.report["distance"] = distance_json(*drawings, all_features);
  }
  out.report["results"] = results;
  out.sheet = contact_sheet(canvases, out.pictures, classifier);
  return out;
}

}  // namespace iclora::eval
