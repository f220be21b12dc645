#include "study/training.h"

#include <algorithm>

#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "core/log.h"
#include "dataset/read_sets.h"
#include "run/metrics.h"
#include "train/train.h"

namespace iclora::study {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDone = "done.json";
constexpr size_t kKeyDigits = 12;
constexpr int64_t kMost = int64_t{1} << 40;

std::string hash_of(const std::vector<dataset::Set>& sets) {
  Sha256 digest;
  // Each piece with its length: no two lists run together into one text.
  const auto add = [&](std::string_view piece) {
    digest.update(fmt::format("{}\n", piece.size()));
    digest.update(piece);
  };
  for (const dataset::Set& set : sets) {
    add(set.id);
    for (const dataset::PanelSource& panel : set.panels) {
      add(panel.sha256);
      if (panel.box) {
        const panels::Box& box = *panel.box;
        add(fmt::format("{} {} {} {}", box.x, box.y, box.width, box.height));
      }
    }
    add(set.caption.trigger);
    add(set.caption.overall);
    for (const std::string& part : set.caption.panels) add(part);
  }
  return digest.hex();
}

/// What the result depends on of the configuration.
Json settings_of(const run::Config& config) {
  Json json = run::config_to_json(config);
  json.erase("name");
  json.erase("out");
  json.erase("save");
  json.erase("sample");
  json["data"].erase("path");
  json["train"].erase("threads");
  json["train"].erase("checkpointing");
  return json;
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

std::string sets_hash(const fs::path& path, const std::optional<panels::Grid>& grid,
                      std::optional<int64_t> count) {
  std::vector<dataset::Set> sets = dataset::read_sets(path, {.grid = grid});
  if (count) {
    if (static_cast<int64_t>(sets.size()) < *count) {
      fail_input(
          "'{}' holds {} sets, but the plan trains on {} of them; add sets, or ask for fewer.",
          printable(path.native(), 400), sets.size(), *count);
    }
    sets.resize(static_cast<size_t>(*count));
  }
  return hash_of(sets);
}

Training plan_training(const Plan& plan, const TaskPlan& task, const PlannedRow& row,
                       const sampling::OpenModel& model, const StudyOptions& options) {
  if (task.train.empty()) {
    fail_input("'{}': the task '{}' lacks 'train', the sets that the row '{}' is trained on.",
               printable(plan.file.native(), 400), task.name, printable(row.label));
  }
  Training out;
  out.sets = row.sets;
  out.config = training_config(plan, task, *row.training, options.out / "trainings");
  const Json about = {{"settings", settings_of(out.config)},
                      {"model", model.model_sha256},
                      {"sets", sets_hash(task.train, out.config.data.grid, row.sets)}};
  out.key = sha256("training 1\n" + about.dump()).substr(0, kKeyDigits);
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
  const Json json = read_json(file);
  Trained out;
  out.result = training.folder() / json_string(json, "result", origin);
  out.record = {json_string(json, "key", origin), json_integer(json, "sets", origin, 0, kMost),
                json_integer(json, "steps", origin, 0, kMost), json_number(json, "seconds", origin),
                json_number(json, "loss", origin)};
  if (out.record.key != training.key || !fs::exists(out.result, ignored)) return std::nullopt;
  return out;
}

Trained train_once(const Training& training, const StudyOptions& options, Progress& progress) {
  if (const auto found = find_trained(training)) return *found;
  train::TrainOptions how;
  how.resume = true;  // of a folder that is not there: a new run
  how.sets = training.sets;
  how.cache = options.encodings;
  how.model_search = options.model_search;
  how.build = options.build;
  create_folders(training.folder().parent_path());
  const train::TrainResult result = train::train(training.config, how, progress);
  const Log log = read_log(training.folder());
  Trained out;
  out.result = result.result;
  out.record = {training.key, 0, result.steps, log.seconds, log.loss};
  out.record.sets =
      training.sets ? *training.sets
                    : static_cast<int64_t>(dataset::read_sets(training.config.data.path,
                                                              {.grid = training.config.data.grid})
                                               .size());
  const Json done = {{"key", training.key},
                     {"result", out.result.lexically_relative(training.folder()).native()},
                     {"sets", out.record.sets},
                     {"steps", out.record.steps},
                     {"seconds", out.record.seconds},
                     {"loss", out.record.loss}};
  write_file(training.folder() / kDone, done.dump(1) + "\n");
  // What is finished is not gone on with, and of full tuning they are the largest part.
  std::error_code ignored;
  fs::remove_all(training.folder() / "checkpoints", ignored);
  return out;
}

}  // namespace iclora::study
