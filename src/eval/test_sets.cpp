#include "eval/test_sets.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/error.h"
#include "core/file.h"
#include "core/json.h"
#include "core/log.h"
#include "core/nearest.h"
#include "dataset/load.h"
#include "dataset/read_sets.h"
#include "run/config.h"

namespace iclora::eval {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMostBytes = uint64_t{64} << 20;
constexpr const char* kLabels = "labels.jsonl";
constexpr const char* kTask = "task.json";

std::string quoted(const fs::path& path) {
  return "'" + printable(path.native(), 400) + "'";
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

/// The folder that holds sets and labels: of a task's folder, what is held out.
fs::path held_out_folder(const fs::path& path) {
  std::error_code ignored;
  if (path.filename() == "sets" && is_there(path.parent_path() / kLabels)) {
    return path.parent_path();
  }
  if (is_there(path / "sets") || is_there(path / "sets.jsonl")) return path;
  if (fs::is_directory(path / "held-out", ignored)) return path / "held-out";
  return path;
}

/// `name` in the folder, or beside it.
std::optional<fs::path> find_file(const fs::path& folder, const char* name) {
  const fs::path real = fs::absolute(folder).lexically_normal();
  const fs::path base = real.has_filename() ? real : real.parent_path();
  for (const fs::path& one : {base / name, base.parent_path() / name}) {
    if (is_there(one)) return one;
  }
  return std::nullopt;
}

size_t column_of(const Classifier& classifier, const std::string& name, const std::string& where) {
  if (const Column* column = classifier.column(name)) {
    return static_cast<size_t>(column - classifier.columns.data());
  }
  std::vector<std::string> known;
  for (const Column& one : classifier.columns) known.push_back(one.name);
  const auto near = nearest(name, known);
  fail_input("{}: the classifier has no column '{}'.{}", where, printable(name),
             near ? fmt::format(" Did you mean '{}'?", *near) : "");
}

std::vector<size_t> columns_of(const Classifier& classifier, const Json& names,
                               const std::string& where) {
  std::vector<size_t> out;
  if (!names.is_array()) fail_input("{}: columns must stand in a list of names.", where);
  for (const Json& name : names) {
    if (!name.is_string()) fail_input("{}: columns must stand in a list of names.", where);
    out.push_back(column_of(classifier, name.get<std::string>(), where));
  }
  return out;
}

PanelLabels read_panel(const Json& panel, const Classifier& classifier, const std::string& where) {
  PanelLabels out;
  out.shows.resize(classifier.columns.size());
  out.told.resize(classifier.columns.size(), false);
  const auto labels = panel.find("labels");
  if (labels == panel.end() || !labels->is_object()) {
    fail_input("{}: a panel must hold 'labels', such as {{\"subject\": \"cat\"}}.", where);
  }
  for (const auto& [name, value] : labels->items()) {
    const size_t column = column_of(classifier, name, where);
    const std::string wanted = json_string(*labels, name, where);
    const auto index = classifier.columns[column].index_of(wanted);
    if (!index) {
      fail_input("{}: the classifier's column '{}' has no class '{}'.", where, printable(name),
                 printable(wanted));
    }
    out.shows[column] = index;
  }
  if (const auto says = panel.find("says"); says != panel.end()) {
    for (const size_t column : columns_of(classifier, *says, where)) {
      // What a prompt tells of a panel that lacks it cannot be looked for.
      out.told[column] = out.shows[column].has_value();
    }
  }
  return out;
}

struct LabelFile {
  std::map<std::string, std::vector<PanelLabels>> panels;  ///< by the set's id
  std::vector<size_t> shared;
};

LabelFile read_labels(const fs::path& path, const Classifier& classifier) {
  const std::string text = read_file(path, kMostBytes);
  LabelFile out;
  size_t number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string where = fmt::format("{}, line {}", quoted(path), number);
    const Json json = parse_json(line, where);
    const std::string id = json_string(json, "id", where);
    const auto list = json.find("panels");
    if (list == json.end() || !list->is_array()) {
      fail_input("{}: 'panels' must be a list, one entry a panel.", where);
    }
    std::vector<PanelLabels> panels;
    for (const Json& panel : *list) panels.push_back(read_panel(panel, classifier, where));
    if (!out.panels.emplace(id, std::move(panels)).second) {
      fail_input("{}: the id '{}' stands there twice.", where, printable(id));
    }
    const auto shared = json.find("shared");
    if (shared == json.end() || !shared->is_object() || !out.shared.empty()) continue;
    for (const auto& [name, value] : shared->items()) {
      out.shared.push_back(column_of(classifier, name, where));
    }
  }
  return out;
}

/// Columns in which panels of some set differ, of those that have such a thing.
std::vector<size_t> varying(const std::vector<TestSet>& sets, const Classifier& classifier) {
  std::set<size_t> out;
  for (const TestSet& set : sets) {
    for (size_t column = 0; column < classifier.columns.size(); ++column) {
      std::optional<int64_t> first;
      for (const PanelLabels& panel : set.labels) {
        const auto& shown = panel.shows[column];
        if (!first) first = shown;
        if (shown && *shown != *first) out.insert(column);
      }
    }
  }
  return {out.begin(), out.end()};
}

/// The id as labels have it: the name of the set's folder.
std::string label_id(const dataset::Set& set) {
  return fs::path(set.id).filename().native();
}

void add_labels(TestSets& out, const fs::path& path, const Classifier& classifier) {
  const LabelFile labels = read_labels(path, classifier);
  for (TestSet& set : out.sets) {
    const auto found = labels.panels.find(label_id(set.set));
    if (found == labels.panels.end()) {
      fail_input("{} has no line for the set '{}'.", quoted(path), printable(set.set.id));
    }
    if (found->second.size() != set.panels.size()) {
      fail_input("{}: the set '{}' has {} panels there, but {} pictures.", quoted(path),
                 printable(set.set.id), found->second.size(), set.panels.size());
    }
    set.labels = found->second;
  }
  out.labelled = true;
  out.shared = labels.shared;
  out.varies = varying(out.sets, classifier);
}

void read_columns(TestSets& out, const Json& json, const std::string& where,
                  const Classifier& classifier) {
  if (const auto shared = json.find("shared"); shared != json.end()) {
    out.shared = columns_of(classifier, *shared, where);
  }
  if (const auto varies = json.find("varies"); varies != json.end()) {
    out.varies = columns_of(classifier, *varies, where);
  }
}

/// Indices of the sets that a training with this `data.validation` holds out, ascending.
std::vector<size_t> held_out_of(const std::vector<dataset::Set>& sets, double validation) {
  run::DataConfig data;
  data.validation = validation;
  return dataset::held_out_sets(sets, data.validation_sets(static_cast<int64_t>(sets.size())));
}

std::vector<TestSet> load_sets(const std::vector<dataset::Set>& sets, const TestSetOptions& options,
                               const fs::path& folder) {
  dataset::DataOptions data;
  data.grid = options.grid;
  data.panel = options.panel;
  const dataset::Plan plan = dataset::plan_sets(sets, data, folder.native());
  std::vector<TestSet> out;
  for (const dataset::Item& item : plan.training) {
    TestSet one;
    one.set = sets[item.set];
    one.layout = item.layout;
    one.panels = dataset::load_set(one.set, item, data.fit).panels;
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace

std::vector<std::vector<image::Image>> read_training_panels(const TrainingSets& training,
                                                            const TestSetOptions& options) {
  std::vector<dataset::Set> sets = dataset::read_sets(training.path, {.grid = options.grid});
  const auto held_out = held_out_of(sets, training.validation);
  for (auto index = held_out.rbegin(); index != held_out.rend(); ++index) {
    sets.erase(sets.begin() + static_cast<int64_t>(*index));
  }
  std::vector<std::vector<image::Image>> out;
  for (TestSet& set : load_sets(sets, options, training.path)) out.push_back(std::move(set.panels));
  return out;
}

TestSets read_test_sets(const fs::path& path, const Classifier* classifier,
                        const TestSetOptions& options) {
  TestSets out;
  out.folder = held_out_folder(path);
  TestSetOptions settled = options;
  Json task = Json::object();
  const auto task_file = find_file(out.folder, kTask);
  const std::string where = task_file ? quoted(*task_file) : "";
  if (task_file) {
    task = read_json(*task_file);
    out.task = json_string_or(task, "task", where, "");
    const std::string grid = json_string_or(task, "grid", where, "");
    if (!settled.grid && !grid.empty()) settled.grid = panels::parse_grid(grid);
  }
  std::vector<dataset::Set> sets = dataset::read_sets(out.folder, {.grid = settled.grid});
  if (options.held_out) {
    std::vector<dataset::Set> chosen;
    for (const size_t index : held_out_of(sets, *options.held_out)) chosen.push_back(sets[index]);
    sets = std::move(chosen);
  }
  if (options.count) {
    sets.resize(std::min(sets.size(), static_cast<size_t>(*options.count)));
  }
  out.sets = load_sets(sets, settled, out.folder);
  if (out.sets.empty()) fail_input("{} holds no set.", quoted(out.folder));
  if (out.task.empty()) out.task = out.sets[0].set.task;
  if (classifier == nullptr) return out;
  if (const auto labels = find_file(out.folder, kLabels)) {
    add_labels(out, *labels, *classifier);
    read_columns(out, task, where, *classifier);
    if (out.shared.empty()) {
      log::warning("{} does not say what the panels of a set share; consistency is not measured.",
                   quoted(*labels));
    }
  }
  return out;
}

}  // namespace iclora::eval
