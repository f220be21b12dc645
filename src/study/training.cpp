#include "study/training.h"

#include <algorithm>

#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "core/log.h"
#include "dataset/read_sets.h"
#include "run/load_config.h"
#include "run/metrics.h"
#include "train/train.h"

namespace iclora::study {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDone = "done.json";
constexpr size_t kKeyDigits = 12;
constexpr int64_t kMost = int64_t{1} << 40;
constexpr uint64_t kLargestConfig = uint64_t{4} << 20;

/// What the result depends on of the configuration, beside model and sets, whose hashes count, not
/// their places.
Json settings_of(const run::Config& config) {
  Json json = run::config_to_json(config);
  for (const char* key : {"name", "model", "out", "sample"}) json.erase(key);
  json["save"] = {{"dtype", json["save"]["dtype"]}};
  json["data"].erase("path");
  json["train"].erase("threads");
  json["train"].erase("checkpointing");
  // Where it does nothing it is left out, so that what was trained before there was this option
  // stays what it is.
  if (config.train.conditional == 0 || config.train.given_silent == 0) {
    json["train"].erase("given_silent");
  }
  if (config.train.conditional == 0 || config.train.given_sees == run::GivenSees::all) {
    json["train"].erase("given_sees");
  }
  return json;
}

/// The folder's key says that all which a result depends on is the same. So what an unfinished run
/// was begun with may differ in places and threads alone, and goes on with what is asked for now.
void adopt(const Training& training) {
  const fs::path file = training.folder() / "config.yaml";
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return;
  const std::string yaml = run::config_to_yaml(training.config);
  if (read_file(file, kLargestConfig) != yaml) write_file(file, yaml);
}

train::TrainResult train_in_turn(const Training& training, const train::TrainOptions& how,
                                 Progress& progress) {
  try {
    return train::train(training.config, how, progress);
  } catch (const Error& error) {
    // How a single training goes on is not how this one does.
    if (error.kind() != ErrorKind::interrupted) throw;
    fail(ErrorKind::interrupted,
         "stopped by a signal in the training '{}', all of it saved; the same command goes on from "
         "there.",
         printable(training.folder().native(), 400));
  }
}

struct Log {
  double seconds = 0;
  double loss = 0;
};

/// Of all steps, those before a stop included.
Log read_log(const fs::path& folder) {
  Log out;
  std::vector<double> losses;
  for (const Json& line : run::read_step_log(folder / "metrics.jsonl")) {
    if (line.contains("seconds") && line["seconds"].is_number()) {
      out.seconds += line["seconds"].get<double>();
    }
    if (line.contains("loss") && line["loss"].is_number()) {
      losses.push_back(line["loss"].get<double>());
    }
  }
  const size_t last = std::max<size_t>(1, losses.size() / 10);
  for (size_t i = losses.size() - std::min(last, losses.size()); i < losses.size(); ++i) {
    out.loss += losses[i] / static_cast<double>(last);
  }
  return out;
}

}  // namespace

const std::vector<dataset::Set>& SetsRead::at(const std::string& path,
                                              const std::optional<panels::Grid>& grid) {
  const std::string name = (grid ? panels::to_string(*grid) : "") + " " + path;
  auto found = read_.find(name);
  if (found == read_.end()) {
    found = read_.emplace(name, dataset::read_sets(path, {.grid = grid})).first;
  }
  return found->second;
}

std::string sets_hash(const std::vector<dataset::Set>& sets) {
  Sha256 digest;
  // Each piece with its length: no two lists run together into one text.
  const auto add = [&](std::string_view piece) {
    digest.update(fmt::format("{}\n", piece.size()));
    digest.update(piece);
  };
  const auto add_box = [&](const panels::Box& box) {
    add(fmt::format("{} {} {} {}", box.x, box.y, box.width, box.height));
  };
  for (const dataset::Set& set : sets) {
    add(set.id);
    for (const dataset::PanelSource& panel : set.panels) {
      add(panel.sha256);
      if (panel.box) add_box(*panel.box);
      if (panel.centre) add(fmt::format("centre {} {}", panel.centre->x, panel.centre->y));
    }
    if (set.boxes) {
      add(fmt::format("boxes {} {}", set.boxes->width, set.boxes->height));
      for (const panels::Box& box : set.boxes->boxes) add_box(box);
    }
    if (set.strip) add(*set.strip == panels::Strip::row ? "row" : "column");
    if (set.grid) add("grid " + panels::to_string(*set.grid));
    if (set.dialect) add(fmt::format("dialect {}", captions::name_of(*set.dialect)));
    add(set.caption.trigger);
    add(set.caption.overall);
    for (const std::string& part : set.caption.panels) add(part);
  }
  return digest.hex();
}

Training plan_training(const Plan& plan, const TaskPlan& task, const PlannedRow& row,
                       const sampling::OpenModel& model, const StudyOptions& options,
                       SetsRead& sets) {
  if (task.train.empty()) {
    fail_input("'{}': the task '{}' lacks 'train', the sets that the row '{}' is trained on.",
               printable(plan.file.native(), 400), task.name, printable(row.label));
  }
  Training out;
  out.sets = row.sets;
  out.config = training_config(plan, task, *row.training, options.out / "trainings");
  std::vector<dataset::Set> used = sets.at(out.config.data.path, out.config.data.grid);
  if (row.sets) {
    if (static_cast<int64_t>(used.size()) < *row.sets) {
      fail_input(
          "'{}' holds {} sets, but the plan trains on {} of them; add sets, or ask for fewer.",
          printable(out.config.data.path, 400), used.size(), *row.sets);
    }
    used.resize(static_cast<size_t>(*row.sets));
  }
  out.count = static_cast<int64_t>(used.size());
  const Json about = {{"settings", settings_of(out.config)},
                      {"model", model.model_sha256},
                      {"sets", sets_hash(used)}};
  out.key = sha256("training 2\n" + about.dump()).substr(0, kKeyDigits);
  std::string name = task.name + "-" + row.training->name;
  if (row.sets) name += fmt::format("-{}", *row.sets);
  out.config.out = (options.out / "trainings" / (name + "-" + out.key)).native();
  return out;
}

std::optional<Trained> find_trained(const Training& training) {
  const fs::path file = training.folder() / kDone;
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return std::nullopt;
  const std::string origin = "'" + printable(file.native(), 400) + "'";
  try {
    const Json json = read_json(file);
    Trained out;
    out.result = training.folder() / json_string(json, "result", origin);
    out.record = {json_string(json, "key", origin), json_integer(json, "sets", origin, 0, kMost),
                  json_integer(json, "steps", origin, 0, kMost),
                  json_number(json, "seconds", origin), json_number(json, "loss", origin)};
    if (out.record.key == training.key && fs::exists(out.result, ignored)) return out;
    log::warning("{} is not what its folder says, or its result is gone; the training goes on.",
                 origin);
  } catch (const Error& error) {
    log::warning("{} cannot be used, so that the training goes on: {}", origin, error.what());
  }
  return std::nullopt;
}

Trained train_once(const Training& training, const StudyOptions& options, Progress& progress) {
  const auto remove_checkpoints = [&] {
    // What is finished is not gone on with, and of full tuning they are the largest part.
    std::error_code ignored;
    fs::remove_all(training.folder() / "checkpoints", ignored);
  };
  if (const auto found = find_trained(training)) {
    remove_checkpoints();  // a run may have been stopped between the two
    return *found;
  }
  train::TrainOptions how;
  how.resume = true;  // of a folder that is not there: a new run
  how.sets = training.sets;
  how.cache = options.encodings;
  how.model_search = options.model_search;
  how.build = options.build;
  create_folders(training.folder().parent_path());
  adopt(training);
  const train::TrainResult result = train_in_turn(training, how, progress);
  const Log log = read_log(training.folder());
  Trained out;
  out.result = result.result;
  out.record = {training.key, training.count, result.steps, log.seconds, log.loss};
  const Json done = {{"key", training.key},
                     {"result", out.result.lexically_relative(training.folder()).native()},
                     {"sets", out.record.sets},
                     {"steps", out.record.steps},
                     {"seconds", out.record.seconds},
                     {"loss", out.record.loss}};
  write_file(training.folder() / kDone, done.dump(1) + "\n");
  remove_checkpoints();
  return out;
}

}  // namespace iclora::study
