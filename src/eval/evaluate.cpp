#include "eval/evaluate.h"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>
#include <map>

#include "core/error.h"
#include "core/log.h"
#include "eval/distance.h"
#include "eval/draw.h"
#include "eval/long_captions.h"
#include "eval/score.h"
#include "eval/sheet.h"
#include "sampling/model.h"

namespace iclora::eval {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kDefaultPanel = 1024;

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
  read_drawing_request(json, origin, out);
  if (json.contains("drawings")) out.drawings = json_string(json, "drawings", origin);
  if (json.contains("grid")) out.grid = panels::parse_grid(json_string(json, "grid", origin));
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  if (json.contains("count")) out.count = json_integer(json, "count", origin, 1, kMost);
  return out;
}

EvalResult evaluate(const EvalRequest& request, Progress& progress) {
  const fs::path classifier_file = classifier_path(request);
  const Classifier classifier = open_classifier(classifier_file);
  const auto captions = chosen(request, classifier);
  std::optional<Moments> drawings;
  if (request.drawings) drawings = open_moments(*request.drawings, classifier);
  const sampling::OpenModel model = sampling::open_model(request.model, request.model_search);
  for (const std::string& warning : model.warnings) log::write_warning(warning);

  const DrawSettings settings = draw_settings(request, model);
  const sampling::Size panel =
      request.panel.value_or(sampling::Size{model.folder.native_width.value_or(kDefaultPanel),
                                            model.folder.native_height.value_or(kDefaultPanel)});
  panels::check_token_multiple(panel.width, panel.height, "--panel");
  std::vector<DrawTask> tasks;
  LongCaptions long_captions(model, settings.text_length);
  for (const auto& [caption, place] : captions) {
    tasks.push_back({caption.caption, panels::grid_layout(caption.grid, panel.width, panel.height),
                     request.seed + place});
    long_captions.add(caption.id, caption.caption, caption.panels.size(), settings.method);
  }
  long_captions.warn(request.captions, "--text-length");

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
