#include "study/report.h"

#include <algorithm>
#include <set>

namespace iclora::study {
namespace {

using eval::Estimate;
using eval::estimate_json;
using eval::Observation;
using eval::rounded;

std::set<std::string> measures_of(const std::vector<const Cell*>& cells) {
  std::set<std::string> out;
  for (const Cell* cell : cells) {
    for (const eval::Measures& one : cell->measures) {
      for (const auto& [name, observation] : one) out.insert(name);
    }
  }
  for (const std::string& name : eval::measures_with_columns()) {
    if (out.contains(name)) out.insert(name + "/*");
  }
  return out;
}

Json measures_json(const std::vector<const Cell*>& cells) {
  Json out = Json::object();
  for (const std::string& name : measures_of(cells)) {
    const Estimate one = pooled(cells, name);
    if (one.sets > 0) out[name] = estimate_json(one);
  }
  return out;
}

Json cell_json(const Cell& cell) {
  Json out = {{"row", cell.label}, {"cell", cell.key}, {"about", cell.about}};
  out["measures"] = measures_json({&cell});
  if (cell.feature_distance) out["feature_distance"] = rounded(*cell.feature_distance);
  if (cell.frechet) out["frechet"] = rounded(*cell.frechet);
  if (cell.steps > 0) {
    out["steps"] = cell.steps;
    if (const auto seconds = seconds_a_canvas(cell)) out["seconds_a_canvas"] = rounded(*seconds);
  }
  if (cell.training) {
    out["training"] = {{"sets", cell.training->sets},
                       {"steps", cell.training->steps},
                       {"seconds", rounded(cell.training->seconds)},
                       {"loss", rounded(cell.training->loss)}};
  }
  return out;
}

/// How many sets all of them were trained on; null where that differs from task to task.
Json training_sets(const std::vector<const Cell*>& cells) {
  Json out;
  for (const Cell* cell : cells) {
    if (!cell->training) continue;
    if (!out.is_null() && out != cell->training->sets) return nullptr;
    out = cell->training->sets;
  }
  return out;
}

Json row_json(const Study& study, const std::string& label) {
  const std::vector<const Cell*> cells = cells_of(study, label);
  Json out = {{"row", label}, {"tasks", Json::array()}};
  for (const Cell* cell : cells) out["tasks"].push_back(cell->task);
  out["measures"] = measures_json(cells);
  const auto put = [&](Json& json, const char* key, const auto& value) {
    const std::optional<double> mean = mean_over(cells, value);
    if (mean) json[key] = rounded(*mean);
  };
  put(out, "feature_distance", [](const Cell& one) { return one.feature_distance; });
  put(out, "frechet", [](const Cell& one) { return one.frechet; });
  if (cells.front()->steps > 0) {
    out["steps"] = cells.front()->steps;
    put(out, "seconds_a_canvas", seconds_a_canvas);
  }
  if (cells.front()->training) {
    const Json sets = training_sets(cells);
    if (!sets.is_null()) out["training"]["sets"] = sets;
    out["training"]["steps"] = cells.front()->training->steps;
    put(out["training"], "seconds", training_seconds);
  }
  return out;
}

std::string verdict_of(const Contrast& contrast) {
  if (!contrast.plan->at_least || contrast.difference.sets == 0) return "";
  if (contrast.difference.sets == 1) return "open";  // its interval is a point
  if (contrast.difference.low >= *contrast.plan->at_least) return "yes";
  return contrast.difference.high < *contrast.plan->at_least ? "no" : "open";
}

Json contrast_json(const Contrast& contrast) {
  const ContrastPlan& plan = *contrast.plan;
  Json out = {{"name", plan.name}, {"a", plan.a}, {"b", plan.b}, {"measure", plan.measure}};
  if (contrast.difference.sets > 0) out.update(estimate_json(contrast.difference));
  if (plan.at_least) out["at_least"] = *plan.at_least;
  if (!contrast.holds.empty()) out["holds"] = contrast.holds;
  out["by_task"] = Json::array();
  for (const auto& [task, estimate] : contrast.by_task) {
    Json one = {{"task", task}};
    one.update(estimate_json(estimate));
    out["by_task"].push_back(one);
  }
  return out;
}

}  // namespace

std::optional<double> mean_over(const std::vector<const Cell*>& cells,
                                const std::function<std::optional<double>(const Cell&)>& value) {
  double sum = 0;
  int64_t count = 0;
  for (const Cell* cell : cells) {
    const std::optional<double> one = value(*cell);
    sum += one.value_or(0);
    count += one ? 1 : 0;
  }
  if (count == 0) return std::nullopt;
  return sum / static_cast<double>(count);
}

std::optional<double> seconds_a_canvas(const Cell& cell) {
  if (cell.steps == 0 || cell.canvases == 0) return std::nullopt;
  return cell.seconds / static_cast<double>(cell.canvases);
}

std::optional<double> training_seconds(const Cell& cell) {
  if (!cell.training) return std::nullopt;
  return cell.training->seconds;
}

std::vector<const Cell*> cells_of(const Study& study, const std::string& label) {
  std::vector<const Cell*> out;
  for (const TaskCells& task : study.tasks) {
    for (const Cell& cell : task.cells) {
      if (cell.label == label) out.push_back(&cell);
    }
  }
  return out;
}

std::vector<std::string> labels_of(const Study& study) {
  std::vector<std::string> out;
  for (const TaskCells& task : study.tasks) {
    for (const Cell& cell : task.cells) {
      if (std::find(out.begin(), out.end(), cell.label) == out.end()) out.push_back(cell.label);
    }
  }
  return out;
}

Estimate pooled(const std::vector<const Cell*>& cells, const std::string& measure) {
  std::vector<Observation> all;
  for (const Cell* cell : cells) {
    for (const Observation& one : eval::observations(cell->measures, measure)) all.push_back(one);
  }
  return eval::mean_of(all);
}

std::vector<Contrast> contrasts_of(const Study& study) {
  std::vector<Contrast> out;
  for (const ContrastPlan& plan : study.plan->contrasts) {
    Contrast contrast;
    contrast.plan = &plan;
    std::vector<Observation> all_a, all_b;
    for (const Cell* a : cells_of(study, plan.a)) {
      for (const Cell* b : cells_of(study, plan.b)) {
        if (a->task != b->task) continue;
        const auto mine = eval::observations(a->measures, plan.measure);
        const auto theirs = eval::observations(b->measures, plan.measure);
        const Estimate one = eval::difference_of(mine, theirs);
        if (one.sets == 0) continue;
        contrast.by_task.emplace_back(a->task, one);
        all_a.insert(all_a.end(), mine.begin(), mine.end());
        all_b.insert(all_b.end(), theirs.begin(), theirs.end());
      }
    }
    contrast.difference = eval::difference_of(all_a, all_b);
    contrast.holds = verdict_of(contrast);
    out.push_back(std::move(contrast));
  }
  return out;
}

Json report_json(const Study& study) {
  Json out = {{"version", 1},
              {"plan", study.plan->file.native()},
              {"model", study.plan->model},
              {"model_sha256", study.model_sha256},
              {"settings", study.settings}};
  out["tasks"] = Json::array();
  size_t missing = 0;
  for (const TaskCells& task : study.tasks) {
    Json one = {{"task", task.task->name}, {"about", task.about}, {"rows", Json::array()}};
    for (const Cell& cell : task.cells) one["rows"].push_back(cell_json(cell));
    one["missing"] = task.missing;
    missing += task.missing.size();
    out["tasks"].push_back(one);
  }
  out["missing"] = missing;
  out["rows"] = Json::array();
  for (const std::string& label : labels_of(study)) out["rows"].push_back(row_json(study, label));
  out["contrasts"] = Json::array();
  for (const Contrast& one : contrasts_of(study)) out["contrasts"].push_back(contrast_json(one));
  return out;
}

}  // namespace iclora::study
