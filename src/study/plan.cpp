#include "study/plan.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/error.h"
#include "core/nearest.h"
#include "core/yaml.h"
#include "eval/set_measures.h"
#include "run/settings.h"

namespace iclora::study {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMostSets = 1'000'000;
constexpr int64_t kMostPanels = 64;
constexpr int64_t kMostCandidates = 1000;
constexpr const char* kCache = "${CACHE}";
constexpr const char* kTask = "${TASK}";

void only_keys(const Json& json, const std::vector<std::string>& known, const std::string& where) {
  if (!json.is_object()) fail_input("{} must be a map of keys.", where);
  for (const auto& [key, value] : json.items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const auto guess = nearest(key, known);
    fail_input("{}: '{}' is not a key of it{}; there are {}.", where, printable(key),
               guess ? " (did you mean '" + *guess + "'?)" : "", fmt::join(known, ", "));
  }
}

/// A list of maps, or none.
const Json& list_in(const Json& json, const char* key, const std::string& where) {
  static const Json kNone = Json::array();
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return kNone;
  if (!found->is_array()) fail_input("{}: '{}' must be a list.", where, key);
  return *found;
}

std::vector<int64_t> integers_in(const Json& json, const char* key, const std::string& where,
                                 int64_t high) {
  std::vector<int64_t> out;
  for (const Json& entry : list_in(json, key, where)) {
    const Json one = {{"entry", entry}};
    out.push_back(json_integer(one, "entry", fmt::format("{}: {}", where, key), 1, high));
    if (std::count(out.begin(), out.end(), out.back()) > 1) {
      fail_input("{}: '{}' holds {} twice.", where, key, out.back());
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

fs::path path_in(const Json& json, const char* key, const std::string& where, const fs::path& cache,
                 const std::string& fallback) {
  fs::path path = json_string_or(json, key, where, fallback);
  const std::string& text = path.native();
  if (!text.starts_with(kCache)) return path;
  fs::path rest = text.substr(std::string_view(kCache).size());
  return cache / rest.relative_path();
}

std::string unique_name(const Json& json, const std::string& where, std::set<std::string>& taken) {
  std::string name = json_string(json, "name", where);
  if (name.empty()) fail_input("{}: 'name' is empty.", where);
  if (!taken.insert(name).second) {
    fail_input("{}: the name '{}' stands there twice.", where, printable(name));
  }
  return name;
}

/// Its folder and its page are named after it.
void need_plain_name(const std::string& name, const std::string& where) {
  const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
  if (!plain || name.front() == '.') {
    fail_input("{}: the name '{}' must be of letters, digits, '-', '_' and '.'.", where,
               printable(name));
  }
}

TaskPlan read_task(const Json& json, const std::string& where, const fs::path& cache,
                   std::set<std::string>& taken) {
  only_keys(json, {"name", "held_out", "train", "rows"}, where);
  TaskPlan out;
  out.name = unique_name(json, where, taken);
  need_plain_name(out.name, where);
  out.held_out = path_in(json, "held_out", where, cache, "");
  if (out.held_out.empty()) {
    fail_input("{}: the task '{}' lacks 'held_out', the sets to measure on.", where, out.name);
  }
  out.train = path_in(json, "train", where, cache, "");
  const std::string rows = json_string_or(json, "rows", where, "all");
  if (rows != "all" && rows != "headline") {
    fail_input("{}: 'rows' is '{}', expected 'all' or 'headline'.", where, printable(rows));
  }
  out.headline = rows == "headline";
  return out;
}

Json read_settings(const Json& json, const std::string& where) {
  Json out = json.value("set", Json::object());
  if (!out.is_object()) {
    fail_input("{}: 'set' must be a map such as {{train.conditional: 0.5}}.", where);
  }
  return out;
}

TrainingPlan read_training(const Json& json, const std::string& where,
                           std::set<std::string>& taken) {
  only_keys(json, {"name", "sets", "set"}, where);
  TrainingPlan out;
  out.name = unique_name(json, where, taken);
  need_plain_name(out.name, where);
  out.sets = integers_in(json, "sets", where, kMostSets);
  out.settings = read_settings(json, where);
  return out;
}

CandidatesPlan read_candidates(const Json& json, const std::string& where) {
  only_keys(json, {"count", "steps", "score"}, where);
  CandidatesPlan out;
  out.count = json_integer(json, "count", where, 2, kMostCandidates);
  if (json.contains("steps")) out.steps = json_integer(json, "steps", where, 1, 1000);
  out.score = json_string_or(json, "score", where, out.score);
  if (out.score != "auto" && out.score != "classifier" && out.score != "pixels") {
    fail_input("{}: 'score' is '{}', expected auto, classifier or pixels.", where,
               printable(out.score));
  }
  return out;
}

/// What says how given panels that stay clean take part.
void read_clean(const Json& json, const std::string& where, RowPlan& out) {
  for (const char* key : {"given_timestep", "given_sees"}) {
    if (json.contains(key) && out.condition && *out.condition != sampling::GivenMethod::clean) {
      fail_input("{}: '{}' belongs to 'condition: clean'; leave one of them out.", where, key);
    }
  }
  if (json.contains("given_timestep")) {
    const std::string name = json_string(json, "given_timestep", where);
    if (name != "shared" && name != "zero") {
      fail_input("{}: 'given_timestep' is '{}', expected shared or zero.", where, printable(name));
    }
    out.given_at_zero = name == "zero";
  }
  if (json.contains("given_sees")) {
    const std::string name = json_string(json, "given_sees", where);
    if (name != "all" && name != "given") {
      fail_input("{}: 'given_sees' is '{}', expected all or given.", where, printable(name));
    }
    out.given_sees = name == "given" ? flux::GivenSees::given : flux::GivenSees::all;
    if (name == "given" && out.given_at_zero == false) {
      fail_input("{}: 'given_sees: given' needs 'given_timestep: zero'; leave one of them out.",
                 where);
    }
  }
}

void read_given(const Json& json, const std::string& where, RowPlan& out) {
  out.given = integers_in(json, "given", where, kMostPanels);
  for (const char* key :
       {"condition", "given_timestep", "given_sees", "strength", "given_attention", "silent"}) {
    if (json.contains(key) && out.given.empty()) {
      fail_input("{}: '{}' has no effect without given panels; add such as 'given: [1]'.", where,
                 key);
    }
  }
  if (json.contains("condition")) {
    const std::string name = json_string(json, "condition", where);
    for (const auto one : {sampling::GivenMethod::clean, sampling::GivenMethod::replace,
                           sampling::GivenMethod::sdedit}) {
      if (name == name_of(one)) out.condition = one;
    }
    if (!out.condition) {
      fail_input("{}: 'condition' is '{}', expected clean, replace or sdedit.", where,
                 printable(name));
    }
  }
  read_clean(json, where, out);
  if (json.contains("strength") && out.condition != sampling::GivenMethod::sdedit) {
    fail_input("{}: 'strength' belongs to 'condition: sdedit'; add it, or leave 'strength' out.",
               where);
  }
  out.strength = json_number_or(json, "strength", where, 1.0);
  if (!(out.strength > 0 && out.strength <= 1)) {
    fail_input("{}: 'strength' is {}, expected above 0 and at most 1.", where, out.strength);
  }
  out.given_attention = json_number_or(json, "given_attention", where, 1.0);
  if (!std::isfinite(out.given_attention) || out.given_attention <= 0) {
    fail_input("{}: 'given_attention' is {}, expected a number above 0.", where,
               out.given_attention);
  }
  out.silent = json_bool_or(json, "silent", where, false);
}

RowPlan read_row(const Json& json, const std::string& where, const fs::path& cache) {
  only_keys(json,
            {"name", "training", "adapter", "sets", "headline", "method", "given", "condition",
             "given_timestep", "given_sees", "strength", "given_attention", "silent", "candidates"},
            where);
  RowPlan out;
  out.name = json_string(json, "name", where);
  if (out.name.empty()) fail_input("{}: 'name' is empty.", where);
  out.training = json_string_or(json, "training", where, "");
  out.adapter = path_in(json, "adapter", where, cache, "").native();
  if (!out.training.empty() && !out.adapter.empty()) {
    fail_input("{}: the row '{}' has both 'training' and 'adapter'; leave one of them out.", where,
               printable(out.name));
  }
  out.sets = integers_in(json, "sets", where, kMostSets);
  out.headline = json_bool_or(json, "headline", where, false);
  if (json.contains("method")) {
    out.method = sampling::method_from_name(json_string(json, "method", where), where);
  }
  read_given(json, where, out);
  if (json.contains("candidates")) {
    out.candidates = read_candidates(json["candidates"], where + ": candidates");
  }
  return out;
}

const TrainingPlan* find_training(const Plan& plan, const std::string& name) {
  const auto found = std::find_if(plan.trainings.begin(), plan.trainings.end(),
                                  [&](const TrainingPlan& one) { return one.name == name; });
  return found == plan.trainings.end() ? nullptr : &*found;
}

void check_row(const Plan& plan, const RowPlan& row, const std::string& where) {
  if (row.candidates && row.candidates->steps.value_or(1) > plan.draw.steps) {
    fail_input(
        "{}: the candidates of the row '{}' take {} steps, but a finished canvas {}; use {} "
        "or fewer.",
        where, printable(row.name), *row.candidates->steps, plan.draw.steps, plan.draw.steps);
  }
  if (row.training.empty()) {
    if (!row.sets.empty()) {
      fail_input("{}: the row '{}' has 'sets', but no training.", where, printable(row.name));
    }
    return;
  }
  const TrainingPlan* training = find_training(plan, row.training);
  if (training == nullptr) {
    fail_input("{}: the row '{}' names the training '{}', which the plan has not.", where,
               printable(row.name), printable(row.training));
  }
  for (const int64_t sets : row.sets) {
    if (std::count(training->sets.begin(), training->sets.end(), sets) == 0) {
      fail_input("{}: the row '{}' wants {} sets, at which '{}' is not trained.", where,
                 printable(row.name), sets, printable(row.training));
    }
  }
}

std::vector<PlannedRow> expanded(const Plan& plan, const RowPlan& row) {
  const TrainingPlan* training = row.training.empty() ? nullptr : find_training(plan, row.training);
  if (training == nullptr || training->sets.empty()) return {{&row, training, {}, row.name}};
  std::vector<PlannedRow> out;
  for (const int64_t sets : row.sets.empty() ? training->sets : row.sets) {
    out.push_back(
        {&row, training, sets, fmt::format("{}, {} set{}", row.name, sets, sets == 1 ? "" : "s")});
  }
  return out;
}

void read_contrasts(const Json& json, const std::string& where, const std::set<std::string>& labels,
                    Plan& out) {
  const std::vector<std::string> known(labels.begin(), labels.end());
  std::set<std::string> names;
  for (const Json& entry : list_in(json, "contrasts", where)) {
    const std::string at = fmt::format("{}: contrast {}", where, out.contrasts.size() + 1);
    only_keys(entry, {"name", "a", "b", "measure", "at_least"}, at);
    ContrastPlan one;
    one.name = unique_name(entry, at, names);
    one.a = json_string(entry, "a", at);
    one.b = json_string(entry, "b", at);
    one.measure = json_string(entry, "measure", at);
    if (!eval::is_measure(one.measure)) {
      const auto guess = nearest(one.measure, eval::known_measures());
      fail_input("{}: nothing is measured under the name '{}'{}.", at, printable(one.measure),
                 guess ? "; did you mean '" + *guess + "'?" : "");
    }
    if (entry.contains("at_least")) one.at_least = json_number(entry, "at_least", at);
    for (const std::string& label : {one.a, one.b}) {
      if (labels.contains(label)) continue;
      const auto guess = nearest(label, known);
      fail_input("{}: there is no row '{}'{}.", at, printable(label),
                 guess ? "; did you mean '" + *guess + "'?" : "");
    }
    out.contrasts.push_back(std::move(one));
  }
}

void read_draw(const Json& json, const std::string& where, Plan& out) {
  only_keys(json,
            {"steps", "guidance", "cfg", "seed", "batch", "dtype", "text_length", "panel",
             "classifier", "count", "repeat"},
            where);
  eval::read_drawing_request(json, where, out.draw);
  if (json.contains("count")) out.count = json_integer(json, "count", where, 1, kMostSets);
  out.repeat = json_integer_or(json, "repeat", where, 1, 1000, 1);
}

Json read_recipe(const Json& json, const std::string& where) {
  const auto found = json.find("recipe");
  if (found == json.end() || found->is_null()) return Json::object();
  Json recipe = found->is_string() ? read_yaml(found->get<std::string>()) : *found;
  if (!recipe.is_object()) {
    fail_input("{}: 'recipe' must be a training configuration, or the path of one.", where);
  }
  // Into these the plan writes itself.
  for (const char* section : {"data", "save"}) {
    const auto one = recipe.find(section);
    if (one == recipe.end() || one->is_null() || one->is_object()) continue;
    fail_input("{}: recipe: '{}' must be a map of keys.", where, section);
  }
  return recipe;
}

}  // namespace

std::string_view name_of(sampling::GivenMethod condition) {
  switch (condition) {
    case sampling::GivenMethod::clean:
      return "clean";
    case sampling::GivenMethod::replace:
      return "replace";
    case sampling::GivenMethod::sdedit:
      return "sdedit";
  }
  fail(ErrorKind::internal, "name_of: an unknown way of conditioning.");
}

Plan read_plan(const fs::path& file, const fs::path& cache) {
  const Json json = read_yaml(file);
  const std::string where = "'" + printable(file.native(), 400) + "'";
  only_keys(
      json,
      {"model", "recipe", "set", "draw", "pictures", "tasks", "trainings", "rows", "contrasts"},
      where);
  Plan out;
  out.file = file;
  out.model = json_string_or(json, "model", where, "");
  out.recipe = read_recipe(json, where);
  out.settings = read_settings(json, where);
  read_draw(json.value("draw", Json::object()), where + ": draw", out);
  out.pictures = json_integer_or(json, "pictures", where, 0, 1000, out.pictures);
  std::set<std::string> tasks, trainings, labels;
  for (const Json& entry : list_in(json, "tasks", where)) {
    out.tasks.push_back(
        read_task(entry, fmt::format("{}: task {}", where, out.tasks.size() + 1), cache, tasks));
  }
  for (const Json& entry : list_in(json, "trainings", where)) {
    out.trainings.push_back(read_training(
        entry, fmt::format("{}: training {}", where, out.trainings.size() + 1), trainings));
  }
  for (const Json& entry : list_in(json, "rows", where)) {
    out.rows.push_back(
        read_row(entry, fmt::format("{}: row {}", where, out.rows.size() + 1), cache));
    check_row(out, out.rows.back(), where);
  }
  if (out.tasks.empty()) fail_input("{} names no task.", where);
  if (out.rows.empty()) fail_input("{} names no row.", where);
  for (const char* name : {"drawn", "shuffled", "rebuilt"}) labels.insert(name);
  for (const RowPlan& row : out.rows) {
    for (const PlannedRow& one : expanded(out, row)) {
      if (labels.insert(one.label).second) continue;
      fail_input("{}: the row '{}' stands there twice; give rows names of their own.", where,
                 printable(one.label));
    }
  }
  read_contrasts(json, where, labels, out);
  return out;
}

std::vector<PlannedRow> rows_of(const Plan& plan, const TaskPlan& task) {
  std::vector<PlannedRow> out;
  for (const RowPlan& row : plan.rows) {
    if (task.headline && !row.headline) continue;
    for (PlannedRow& one : expanded(plan, row)) out.push_back(std::move(one));
  }
  return out;
}

fs::path adapter_path(const RowPlan& row, const TaskPlan& task) {
  std::string path = row.adapter;
  const std::string_view word = kTask;
  for (size_t at = path.find(word); at != std::string::npos;
       at = path.find(word, at + task.name.size())) {
    path.replace(at, word.size(), task.name);
  }
  return path;
}

run::Config training_config(const Plan& plan, const TaskPlan& task, const TrainingPlan& training,
                            const fs::path& out) {
  const std::string origin =
      fmt::format("'{}': training '{}'", printable(plan.file.native(), 400), training.name);
  Json document = plan.recipe;
  Json merged = plan.settings;
  merged.update(training.settings);
  std::vector<std::string> settings;
  for (const auto& [key, value] : merged.items()) settings.push_back(key + "=" + value.dump());
  run::Places places;
  run::apply_settings(document, settings, places);
  document["name"] = training.name;
  document["model"] = plan.model;
  document["data"]["path"] = task.train.native();
  document["out"] = out.native();
  // Nobody looks at samples on the way, and the newest checkpoint is enough to go on from.
  document.erase("sample");
  document["save"]["keep"] = 1;
  return run::config_from_json(document, origin, places);
}

}  // namespace iclora::study
