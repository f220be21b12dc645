#include "study/drawing.h"

#include <algorithm>
#include <chrono>

#include "core/error.h"
#include "eval/candidates.h"
#include "eval/set_scorer.h"
#include "lora/adapter_file.h"

namespace iclora::study {
namespace {

using sampling::GivenMethod;

GivenMethod condition_of(const RowPlan& row, const run::Config* training) {
  if (row.condition) return *row.condition;
  const bool conditional = training != nullptr && training->train.conditional > 0;
  return conditional ? GivenMethod::clean : GivenMethod::replace;
}

bool at_zero(const RowPlan& row, const run::Config* training) {
  if (row.given_at_zero) return *row.given_at_zero;
  return training != nullptr && training->train.conditional > 0 &&
         training->train.given_timestep == run::GivenTimestep::zero;
}

sampling::Method method_of(const RowPlan& row, const run::Config* training) {
  if (row.method) return *row.method;
  return training != nullptr && training->method == run::Method::gdt ? sampling::Method::gdt
                                                                     : sampling::Method::canvas;
}

std::string stated(const std::optional<lora::AdapterFile>& adapter, const char* key) {
  if (!adapter || !adapter->iclora || !adapter->iclora->is_object()) return "";
  const auto found = adapter->iclora->find(key);
  return found != adapter->iclora->end() && found->is_string() ? found->get<std::string>() : "";
}

dataset::DataOptions caption_options(const RowDrawing& drawing) {
  dataset::DataOptions options;
  options.trigger = stated(drawing.adapter, "trigger");
  if (const std::string dialect = stated(drawing.adapter, "dialect"); !dialect.empty()) {
    options.dialect = captions::dialect_from_name(dialect);
  }
  return options;
}

/// The set as this row reads it: under `silent` given panels have no part.
dataset::Set told(const eval::TestSet& set, const RowDrawing& drawing) {
  dataset::Set out = set.set;
  if (!drawing.silent) return out;
  for (const int64_t number : drawing.given) {
    const auto place = static_cast<size_t>(number - 1);
    if (place < out.caption.panels.size()) out.caption.panels[place].clear();
  }
  return out;
}

void check_given(const RowDrawing& drawing, const eval::TestSet& set) {
  if (drawing.given.empty()) return;
  const auto panels = static_cast<int64_t>(set.panels.size());
  if (drawing.given.back() > panels) {
    fail_input("'{}' has {} panels, but the plan gives panel {}; give one that there is.",
               printable(set.set.file), panels, drawing.given.back());
  }
  if (static_cast<int64_t>(drawing.given.size()) == panels) {
    fail_input("'{}' has {} panels, all of which the plan gives; leave one to be drawn.",
               printable(set.set.file), panels);
  }
}

/// What is drawn of every set, [repeat][sets] in one list.
std::vector<eval::DrawTask> tasks_of(const RowDrawing& drawing, const eval::TestSets& sets,
                                     uint64_t seed, int64_t repeat) {
  const dataset::DataOptions options = caption_options(drawing);
  std::vector<eval::DrawTask> out;
  for (int64_t k = 0; k < repeat; ++k) {
    for (const eval::TestSet& set : sets.sets) {
      check_given(drawing, set);
      eval::DrawTask task;
      task.caption = dataset::joint_caption(told(set, drawing), set.layout.grid, options);
      task.layout = set.layout;
      task.seed = seed + out.size();
      for (const int64_t number : drawing.given) {
        task.given.push_back({number, set.panels[static_cast<size_t>(number - 1)]});
      }
      out.push_back(std::move(task));
    }
  }
  return out;
}

int64_t candidate_steps(const RowDrawing& drawing) {
  return drawing.candidates->steps.value_or(eval::default_candidate_steps(drawing.settings.steps));
}

eval::SetScorer scorer_of(const RowDrawing& drawing, const eval::TestSet& set,
                          const eval::DrawTask& task) {
  const dataset::Set words = told(set, drawing);
  eval::SetToScore to_score{words.caption, task.caption, task.layout, drawing.model.folder.path};
  if (to_score.caption.panels.size() != set.panels.size()) {
    to_score.caption = {"", task.caption, {}};
  }
  return eval::make_scorer(to_score, {drawing.candidates->score, drawing.classifier});
}

/// Replaces every task's seed by that of its best candidate.
void choose_seeds(const RowDrawing& drawing, const eval::TestSets& sets,
                  const eval::DrawSettings& settings, std::vector<eval::DrawTask>& tasks,
                  Progress& progress) {
  eval::DrawSettings rough = settings;
  rough.steps = candidate_steps(drawing);
  std::vector<double> best(tasks.size(), -1);
  std::vector<uint64_t> seeds(tasks.size());
  for (int64_t c = 0; c < drawing.candidates->count; ++c) {
    std::vector<eval::DrawTask> round = tasks;
    for (eval::DrawTask& task : round) task.seed += static_cast<uint64_t>(c) * tasks.size();
    const std::vector<image::Image> roughs =
        eval::draw_canvases(drawing.model, round, rough, progress);
    for (size_t i = 0; i < roughs.size(); ++i) {
      const eval::TestSet& set = sets.sets[i % sets.sets.size()];
      const eval::Scored scored = scorer_of(drawing, set, round[i]).score(roughs[i]);
      if (!scored.score || scored.score->value <= best[i]) continue;
      best[i] = scored.score->value;
      seeds[i] = round[i].seed;
    }
  }
  for (size_t i = 0; i < tasks.size(); ++i) tasks[i].seed = seeds[i];
}

}  // namespace

Json row_settings(const Plan& plan, const PlannedRow& row, const run::Config* training,
                  const eval::DrawSettings& defaults) {
  const RowPlan& asked = *row.row;
  Json out = eval::settings_json(plan.draw, defaults);
  out["method"] = sampling::name_of(method_of(asked, training));
  if (!asked.given.empty()) {
    const GivenMethod condition = condition_of(asked, training);
    out["given"] = asked.given;
    out["condition"] = name_of(condition);
    if (condition == GivenMethod::clean) {
      out["given_timestep"] = at_zero(asked, training) ? "zero" : "shared";
    }
    if (condition == GivenMethod::sdedit) out["strength"] = asked.strength;
    out["given_attention"] = asked.given_attention;
    if (asked.silent) out["silent"] = true;
  }
  if (asked.candidates) {
    out["candidates"] = {
        {"count", asked.candidates->count},
        {"steps", asked.candidates->steps.value_or(eval::default_candidate_steps(defaults.steps))},
        {"score", asked.candidates->score}};
  }
  return out;
}

RowDrawing open_row(const Plan& plan, const PlannedRow& row, const sampling::OpenModel& base,
                    const run::Config* training, const std::optional<Trained>& trained,
                    const StudyOptions& options) {
  const RowPlan& asked = *row.row;
  RowDrawing out{base,
                 {},
                 eval::draw_settings(plan.draw, base),
                 asked.given,
                 asked.silent,
                 asked.candidates,
                 eval::find_classifier(plan.draw)};
  if (trained) {
    if (std::filesystem::is_directory(trained->result)) {
      out.model = sampling::open_model(trained->result.native(), options.model_search);
    } else {
      out.adapter = lora::read_adapter(trained->result);
    }
  }
  out.settings.method = method_of(asked, training);
  out.settings.condition = condition_of(asked, training);
  out.settings.given_at_zero =
      out.settings.condition == GivenMethod::clean && at_zero(asked, training);
  out.settings.strength = asked.strength;
  out.settings.given_attention = asked.given_attention;
  return out;
}

eval::Row draw_row(const RowDrawing& drawing, const eval::TestSets& sets, uint64_t seed,
                   int64_t repeat, Progress& progress) {
  const auto start = std::chrono::steady_clock::now();
  eval::DrawSettings settings = drawing.settings;
  if (drawing.adapter) settings.adapters = {{&*drawing.adapter, 1.0, false}};
  std::vector<eval::DrawTask> tasks = tasks_of(drawing, sets, seed, repeat);
  if (drawing.candidates) choose_seeds(drawing, sets, settings, tasks, progress);
  std::vector<eval::DrawnCanvas> canvases =
      eval::draw_tasks(drawing.model, tasks, settings, progress);
  eval::Row row;
  row.sets.resize(sets.sets.size());
  for (size_t i = 0; i < canvases.size(); ++i) {
    eval::DrawnSet drawn;
    drawn.panels = panels::split(canvases[i].picture, tasks[i].layout);
    drawn.canvas = std::move(canvases[i].picture);
    drawn.given = std::move(canvases[i].given);
    row.sets[i % sets.sets.size()].push_back(std::move(drawn));
  }
  row.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return row;
}

int64_t steps_of(const RowDrawing& drawing) {
  const int64_t rough =
      drawing.candidates ? drawing.candidates->count * candidate_steps(drawing) : 0;
  return drawing.settings.steps + rough;
}

}  // namespace iclora::study
