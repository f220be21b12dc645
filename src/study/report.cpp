#include "study/report.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace iclora::study {
namespace {

using eval::Estimate;
using eval::Observation;

/// Four digits: more would only tell how sums were rounded.
double rounded(double value) {
  return std::round(value * 1e4) / 1e4;
}

Observation observation_of(const eval::Measures& measures, const std::string& name) {
  const auto found = measures.find(name);
  return found == measures.end() ? Observation{} : found->second;
}

std::vector<Observation> observations(const Cell& cell, const std::string& measure) {
  std::vector<Observation> out;
  for (const eval::Measures& one : cell.measures) out.push_back(observation_of(one, measure));
  return out;
}

Json estimate_json(const Estimate& estimate) {
  return {{"value", rounded(estimate.value)},
          {"low", rounded(estimate.low)},
          {"high", rounded(estimate.high)},
          {"sets", estimate.sets}};
}

std::set<std::string> measures_of(const std::vector<const Cell*>& cells) {
  std::set<std::string> out;
  for (const Cell* cell : cells) {
    for (const eval::Measures& one : cell->measures) {
      for (const auto& [name, observation] : one) out.insert(name);
    }
  }
  return out;
}

double seconds_a_canvas(const Cell& cell) {
  return cell.canvases > 0 ? cell.seconds / static_cast<double>(cell.canvases) : 0;
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
    out["seconds_a_canvas"] = rounded(seconds_a_canvas(cell));
  }
  if (cell.training) {
    out["training"] = {{"sets", cell.training->sets},
                       {"steps", cell.training->steps},
                       {"seconds", rounded(cell.training->seconds)},
                       {"loss", rounded(cell.training->loss)}};
  }
  return out;
}

/// The mean of what the cells have of it.
template <typename Value>
Json mean_of(const std::vector<const Cell*>& cells, const Value& value) {
  double sum = 0;
  int64_t count = 0;
  for (const Cell* cell : cells) {
    const std::optional<double> one = value(*cell);
    if (!one) continue;
    sum += *one;
    ++count;
  }
  if (count == 0) return nullptr;
  return rounded(sum / static_cast<double>(count));
}

Json row_json(const Study& study, const std::string& label) {
  const std::vector<const Cell*> cells = cells_of(study, label);
  Json out = {{"row", label}, {"tasks", Json::array()}};
  for (const Cell* cell : cells) out["tasks"].push_back(cell->task);
  out["measures"] = measures_json(cells);
  const auto put = [&](const char* key, const Json& value) {
    if (!value.is_null()) out[key] = value;
  };
  put("feature_distance", mean_of(cells, [](const Cell& one) { return one.feature_distance; }));
  put("frechet", mean_of(cells, [](const Cell& one) { return one.frechet; }));
  if (cells.front()->steps > 0) {
    out["steps"] = cells.front()->steps;
    put("seconds_a_canvas",
        mean_of(cells, [](const Cell& one) { return std::optional(seconds_a_canvas(one)); }));
  }
  const auto training = [&](const auto& value) {
    return mean_of(cells, [&](const Cell& one) {
      return one.training ? std::optional<double>(value(*one.training)) : std::nullopt;
    });
  };
  if (cells.front()->training) {
    out["training"] = {
        {"sets", cells.front()->training->sets},
        {"steps", cells.front()->training->steps},
        {"seconds", training([](const TrainingRecord& one) { return one.seconds; })}};
  }
  return out;
}

std::string verdict_of(const Contrast& contrast) {
  if (!contrast.plan->at_least || contrast.difference.sets == 0) return "";
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

Estimate estimate_of(const Cell& cell, const std::string& measure) {
  return eval::mean_of(observations(cell, measure));
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
    for (const Observation& one : observations(*cell, measure)) all.push_back(one);
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
        const auto mine = observations(*a, plan.measure), theirs = observations(*b, plan.measure);
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
