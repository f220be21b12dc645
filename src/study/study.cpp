#include "study/study.h"

#include <algorithm>
#include <set>

#include "core/error.h"
#include "core/hash.h"
#include "core/log.h"
#include "sampling/adapters.h"
#include "study/drawing.h"

namespace iclora::study {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kDefaultPanel = 1024;

/// What is read once.
struct Inputs {
  DrawingInputs drawing;
  std::optional<eval::Classifier> classifier;
};

Inputs read_inputs(const Plan& plan, const StudyOptions& options) {
  if (plan.model.empty()) {
    fail_input("'{}' names no model; add 'model: DIR', or name one with --model.",
               printable(plan.file.native(), 400));
  }
  Inputs out{open_drawing(plan, options), {}};
  for (const std::string& warning : out.drawing.model.warnings) log::write_warning(warning);
  if (const auto file = eval::find_classifier(plan.draw)) {
    out.classifier = eval::open_classifier(*file);
  }
  return out;
}

eval::TestSets read_task_sets(const Plan& plan, const TaskPlan& task, const Inputs& inputs) {
  eval::TestSetOptions options;
  options.count = plan.count;
  const weights::ModelFolder& model = inputs.drawing.model.folder;
  const sampling::Size panel = plan.draw.panel.value_or(sampling::Size{
      model.native_width.value_or(kDefaultPanel), model.native_height.value_or(kDefaultPanel)});
  panels::check_token_multiple(panel.width, panel.height, "'panel'");
  options.panel = panels::Size{panel.width, panel.height};
  return eval::read_test_sets(task.held_out, inputs.classifier ? &*inputs.classifier : nullptr,
                              options);
}

/// A row of the plan with all that its result depends on.
struct RowJob {
  PlannedRow row;
  std::optional<Training> training;
  std::optional<lora::AdapterFile> adapter;
  Json about;
  std::string key;

  RowSource source() const {
    return {training ? &training->config : nullptr, adapter ? &*adapter : nullptr};
  }
};

/// The real rows, then the plan's.
struct TaskJobs {
  const TaskPlan* task = nullptr;
  Json sets;  ///< hash and the like: what every cell of the task depends on
  std::vector<std::pair<std::string, std::string>> real;  ///< label and key of those that can be
  std::vector<RowJob> rows;
};

Json names_of(const std::vector<size_t>& columns, const eval::Classifier& classifier) {
  Json out = Json::array();
  for (const size_t column : columns) out.push_back(classifier.columns[column].name);
  return out;
}

/// Labels of all panels as they were read: another label is another measurement.
Json labels_of(const eval::TestSets& sets) {
  Json out = Json::array();
  for (const eval::TestSet& set : sets.sets) {
    for (const eval::PanelLabels& panel : set.labels) {
      Json one = Json::array();
      for (size_t column = 0; column < panel.shows.size(); ++column) {
        if (panel.shows[column]) one.push_back({column, *panel.shows[column], panel.told[column]});
      }
      out.push_back(one);
    }
  }
  return out;
}

Json sets_json(const Plan& plan, const eval::TestSets& sets, const Inputs& inputs) {
  const panels::Layout& layout = sets.sets.front().layout;
  std::vector<dataset::Set> used;
  for (const eval::TestSet& set : sets.sets) used.push_back(set.set);
  Json out = {{"hash", sets_hash(used)},
              {"count", sets.sets.size()},
              {"repeat", plan.repeat},
              {"canvas", fmt::format("{}x{}", layout.width, layout.height)},
              {"grid", panels::to_string(layout.grid)},
              {"labelled", sets.labelled}};
  if (sets.labelled) {
    out["classifier"] = inputs.classifier->sha256;
    out["shared"] = names_of(sets.shared, *inputs.classifier);
    out["varies"] = names_of(sets.varies, *inputs.classifier);
    out["labels"] = labels_of(sets);
  }
  return out;
}

std::string key_of(const std::string& label, const Json& sets, const Json& about,
                   const Json& training) {
  return cell_key({{"row", label}, {"sets", sets}, {"about", about}, {"training", training}});
}

void check_panels(const RowPlan& row, const eval::TestSets& sets) {
  for (const eval::TestSet& set : sets.sets) {
    const auto panels = static_cast<int64_t>(set.panels.size());
    const bool too_many = static_cast<int64_t>(row.given.size()) >= panels;
    if (row.given.empty() || (row.given.back() <= panels && !too_many)) continue;
    fail_input("The row '{}' gives {} of the panels of '{}', which has {}; {}.",
               printable(row.name), fmt::join(row.given, ", "), printable(set.set.file), panels,
               too_many ? "leave one to be drawn" : "give those that there are");
  }
}

/// Errors (exit 2): a file that is none, or does not fit the model.
lora::AdapterFile open_adapter(const PlannedRow& row, const TaskPlan& task,
                               const sampling::OpenModel& model) {
  lora::AdapterFile out = lora::read_adapter(adapter_path(*row.row, task));
  sampling::check_adapter(weights::Checkpoint::open(model.folder.transformer.folder), out, false);
  return out;
}

TaskJobs jobs_of(const Plan& plan, const TaskPlan& task, const eval::TestSets& sets,
                 const Inputs& inputs, const StudyOptions& options) {
  const sampling::OpenModel& opened = inputs.drawing.model;
  TaskJobs out;
  out.task = &task;
  out.sets = sets_json(plan, sets, inputs);
  const Json model = {{"model", opened.model_sha256}};
  out.real.emplace_back("drawn", key_of("drawn", out.sets, nullptr, nullptr));
  if (eval::can_shuffle(sets)) {
    out.real.emplace_back("shuffled", key_of("shuffled", out.sets, nullptr, nullptr));
  }
  out.real.emplace_back("rebuilt", key_of("rebuilt", out.sets, model, nullptr));
  SetsRead training_sets;
  for (PlannedRow& row : rows_of(plan, task)) {
    check_panels(*row.row, sets);
    RowJob job;
    if (row.training != nullptr) {
      job.training = plan_training(plan, task, row, opened, options, training_sets);
    }
    if (!row.row->adapter.empty()) job.adapter = open_adapter(row, task, opened);
    // What it says of captions and candidates is refused in time.
    const RowDrawing drawing = open_row(row, inputs.drawing, job.source(), std::nullopt);
    if (drawing.candidates) scorers_of(drawing, sets);
    job.about = row_settings(plan, row, job.source(), inputs.drawing);
    job.about["model"] = opened.model_sha256;
    if (job.adapter) job.about["adapter"] = sha256_of_file(job.adapter->path);
    // A row that is renamed is the same row: its label stands outside of the key.
    job.key = key_of("", out.sets, job.about, job.training ? Json(job.training->key) : Json());
    job.row = std::move(row);
    out.rows.push_back(std::move(job));
  }
  return out;
}

class Runner {
 public:
  Runner(const Plan& plan, const StudyOptions& options)
      : plan_(plan),
        options_(options),
        store_(options.out / "cells"),
        inputs_(read_inputs(plan, options)) {
    for (const TaskPlan& task : plan.tasks) {
      sets_.push_back(read_task_sets(plan, task, inputs_));
      jobs_.push_back(jobs_of(plan, task, sets_.back(), inputs_, options));
    }
  }

  std::vector<Work> work() const {
    std::vector<Work> out;
    for (const TaskJobs& task : jobs_) {
      if (!is_wanted(task)) continue;
      const auto add = [&](const std::string& what, bool training, bool done) {
        out.push_back({task.task->name, what, training, done});
      };
      for (const auto& [label, key] : task.real) add(label, false, store_.find(key).has_value());
      // A training is there for its rows: with all of them drawn it is not made again.
      std::set<std::string> told, wanted;
      std::vector<bool> drawn;
      for (const RowJob& job : task.rows) {
        drawn.push_back(store_.find(job.key).has_value());
        if (job.training && !drawn.back()) wanted.insert(job.training->key);
      }
      for (size_t i = 0; i < task.rows.size(); ++i) {
        const RowJob& job = task.rows[i];
        if (job.training && told.insert(job.training->key).second) {
          std::string what = job.row.training->name;
          if (job.row.sets) {
            what += fmt::format(", {} set{}", *job.row.sets, *job.row.sets == 1 ? "" : "s");
          }
          add(what, true, !wanted.contains(job.training->key) || find_trained(*job.training));
        }
        add(job.row.label, false, drawn[i]);
      }
    }
    return out;
  }

  Study run(const std::function<void(const Study&)>& after_task, Progress& progress) {
    study_.plan = &plan_;
    study_.model_sha256 = inputs_.drawing.model.model_sha256;
    study_.settings = eval::settings_json(plan_.draw, inputs_.drawing.settings);
    for (size_t i = 0; i < jobs_.size(); ++i) {
      if (is_wanted(jobs_[i])) warn_of_long_captions(i);
    }
    const auto tell = [&] {
      find_all();
      after_task(study_);
    };
    bool told = false;
    for (size_t i = 0; i < jobs_.size(); ++i) {
      if (!is_wanted(jobs_[i])) continue;
      try {
        do_task(i, progress);
      } catch (...) {
        if (progress.cancelled()) tell();
        throw;
      }
      tell();
      told = true;
    }
    if (!told) tell();
    return std::move(study_);
  }

 private:
  bool is_wanted(const TaskJobs& jobs) const {
    const auto& only = options_.only;
    return only.empty() || std::find(only.begin(), only.end(), jobs.task->name) != only.end();
  }

  /// Once a task, before anything is trained for it.
  void warn_of_long_captions(size_t index) const {
    const DrawingInputs& inputs = inputs_.drawing;
    eval::LongCaptions captions(inputs.model, inputs.settings.text_length);
    for (const RowJob& job : jobs_[index].rows) {
      add_captions(open_row(job.row, inputs, job.source(), std::nullopt), sets_[index], captions);
    }
    captions.warn(sets_[index].folder, "draw.text_length");
  }

  /// Of all tasks: what earlier runs have left, and other ones have made meanwhile, is part of
  /// every report.
  void find_all() {
    study_.tasks.clear();
    for (size_t i = 0; i < jobs_.size(); ++i) study_.tasks.push_back(found_cells(i));
  }

  TaskCells found_cells(size_t index) const {
    const TaskJobs& jobs = jobs_[index];
    TaskCells out;
    out.task = jobs.task;
    out.about = jobs.sets;
    out.about.erase("labels");
    for (const eval::TestSet& set : sets_[index].sets) {
      if (static_cast<int64_t>(out.captions.size()) == plan_.pictures) break;
      out.captions.push_back(dataset::joint_caption(set.set, set.layout.grid, {}));
    }
    const auto add = [&](const std::string& label, const std::string& key) {
      if (auto cell = store_.find(key)) {
        // It may have been made for another name of the same row or task.
        cell->label = label;
        cell->task = jobs.task->name;
        out.cells.push_back(std::move(*cell));
      } else {
        out.missing.push_back(label);
      }
    };
    for (const auto& [label, key] : jobs.real) add(label, key);
    for (const RowJob& job : jobs.rows) add(job.row.label, job.key);
    return out;
  }

  void do_task(size_t index, Progress& progress) {
    const TaskJobs& jobs = jobs_[index];
    const eval::TestSets& sets = sets_[index];
    for (const auto& [label, key] : jobs.real) {
      if (store_.find(key)) continue;
      std::optional<eval::Row> row;
      if (label == "drawn") row = eval::drawn_row(sets);
      if (label == "shuffled") row = eval::shuffled_row(sets);
      if (label == "rebuilt") row = eval::rebuilt_row(sets, inputs_.drawing.model, progress);
      if (!row) continue;
      Cell cell;
      cell.key = key;
      cell.label = label;
      cell.about = Json::object();
      keep(std::move(cell), *row, index);
    }
    for (const RowJob& job : jobs.rows) {
      if (store_.find(job.key)) continue;
      check_cancelled(progress);
      make(job, index, progress);
    }
  }

  void make(const RowJob& job, size_t index, Progress& progress) {
    const std::string& task = jobs_[index].task->name;
    std::optional<Trained> trained;
    if (job.training) {
      const bool there = find_trained(*job.training).has_value();
      if (!there) log::info("{}: training for '{}'", task, job.row.label);
      trained = train_once(*job.training, options_, progress);
      if (!there) {
        log::info("{}: trained {} steps in {:.0f} s", task, trained->record.steps,
                  trained->record.seconds);
      }
    }
    const RowDrawing drawing = open_row(job.row, inputs_.drawing, job.source(), trained);
    eval::Row row = draw_row(drawing, sets_[index], plan_.draw.seed, plan_.repeat, progress);
    Cell cell;
    cell.key = job.key;
    cell.label = job.row.label;
    cell.about = job.about;
    cell.steps = steps_of(drawing);
    cell.seconds = row.seconds;
    if (trained) cell.training = trained->record;
    keep(std::move(cell), row, index);
    log::info("{}: '{}' drawn in {:.0f} s", task, job.row.label, row.seconds);
  }

  void keep(Cell cell, eval::Row& row, size_t index) {
    const eval::TestSets& sets = sets_[index];
    eval::measure_row(row, sets, sets.labelled ? &*inputs_.classifier : nullptr);
    cell.task = jobs_[index].task->name;
    for (const eval::TestSet& set : sets.sets) cell.ids.push_back(set.set.id);
    cell.measures = row.measures;
    cell.feature_distance = row.feature_distance;
    cell.frechet = row.frechet;
    for (const auto& repeats : row.sets) cell.canvases += static_cast<int64_t>(repeats.size());
    store_.keep(cell, row, plan_.pictures);
  }

  const Plan& plan_;
  const StudyOptions& options_;
  const CellStore store_;
  const Inputs inputs_;
  std::vector<eval::TestSets> sets_;
  std::vector<TaskJobs> jobs_;
  Study study_;
};

}  // namespace

std::vector<Work> work_of(const Plan& plan, const StudyOptions& options) {
  return Runner(plan, options).work();
}

Study run_study(const Plan& plan, const StudyOptions& options,
                const std::function<void(const Study&)>& after_task, Progress& progress) {
  return Runner(plan, options).run(after_task, progress);
}

}  // namespace iclora::study
