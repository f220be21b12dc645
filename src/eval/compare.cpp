#include "eval/compare.h"

#include <ATen/ATen.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <set>

#include "core/error.h"
#include "core/hash.h"
#include "core/log.h"
#include "eval/adapter_captions.h"
#include "eval/long_captions.h"
#include "lora/stated.h"
#include "panels/split_picture.h"
#include "sampling/adapters.h"

namespace iclora::eval {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kDefaultPanel = 1024;
constexpr int64_t kMostRepeats = 1000;
constexpr double kStrongest = 1000;

/// A name that no other row has: the file's, with its strength and its folder where these are
/// needed to tell rows apart.
std::string row_name(const sampling::LoraChoice& choice, const std::set<std::string>& taken) {
  const fs::path file = choice.file;
  std::string name = file.stem().native();
  if (choice.strength != 1.0) name += fmt::format(":{}", choice.strength);
  for (fs::path folder = file.parent_path(); taken.contains(name) && folder.has_filename();
       folder = folder.parent_path()) {
    name = fmt::format("{}/{}", folder.filename().native(), name);
  }
  for (int number = 2; taken.contains(name); ++number) {
    name = fmt::format("{} ({})", file.stem().native(), number);
  }
  return name;
}

/// Grid and panels: as asked for, else as an adapter was trained, else as the model has them.
TestSetOptions set_options(const CompareRequest& request,
                           const std::vector<lora::AdapterFile>& adapters,
                           const std::optional<sampling::OpenModel>& model) {
  TestSetOptions options;
  options.count = request.count;
  options.held_out = request.held_out;
  options.grid = request.grid;
  std::optional<sampling::Size> panel = request.panel;
  for (const lora::AdapterFile& adapter : adapters) {
    const auto grid = lora::stated(adapter, "grid"), size = lora::stated(adapter, "panel");
    if (!options.grid && grid) options.grid = panels::parse_grid(*grid);
    if (!panel && size) {
      panel = sampling::request_from_json({{"panel", *size}}, "the adapter's metadata").panel;
    }
  }
  if (!panel && model) {
    panel = sampling::Size{model->folder.native_width.value_or(kDefaultPanel),
                           model->folder.native_height.value_or(kDefaultPanel)};
  }
  if (panel) {
    panels::check_token_multiple(panel->width, panel->height, "--panel");
    options.panel = panels::Size{panel->width, panel->height};
  }
  return options;
}

std::vector<SetLook> training_looks(const TrainingSets& training, const TestSetOptions& options) {
  std::vector<SetLook> out;
  for (const auto& panels : read_training_panels(training, options)) {
    out.emplace_back();
    for (const image::Image& panel : panels) out.back().push_back(look_of(panel));
  }
  return out;
}

/// What an adapter says and holds, against the model, before anything is drawn with it.
void check_adapters(const CompareRequest& request, const std::vector<lora::AdapterFile>& adapters,
                    const sampling::OpenModel& model) {
  const auto transformer = weights::Checkpoint::open(model.folder.transformer.folder);
  for (const lora::AdapterFile& adapter : adapters) {
    sampling::check_adapter(transformer, adapter, request.allow_unmatched);
    caption_options(adapter);  // refuses an unknown dialect in time
  }
}

struct Drawing {
  const CompareRequest& request;
  const sampling::OpenModel& model;
  DrawSettings settings;
};

/// The joint caption that a row reads: trigger and markers as its adapter was trained on.
std::string caption_of(const TestSet& set, const lora::AdapterFile* adapter) {
  return dataset::joint_caption(
      set.set, set.layout.grid,
      adapter != nullptr ? caption_options(*adapter) : dataset::DataOptions());
}

/// One warning of all sets, whichever row reads their captions.
void warn_of_long_captions(const TestSets& sets, const std::vector<lora::AdapterFile>& adapters,
                           const Drawing& drawing) {
  LongCaptions captions(drawing.model, drawing.settings.text_length);
  const auto add = [&](const lora::AdapterFile* adapter, sampling::Method method) {
    for (const TestSet& set : sets.sets) {
      captions.add(set.set.id, caption_of(set, adapter), set.layout.boxes.size(), method);
    }
  };
  if (drawing.request.base) add(nullptr, sampling::Method::canvas);
  for (const lora::AdapterFile& adapter : adapters) {
    add(&adapter, sampling::trained_method({adapter}));
  }
  captions.warn(sets.folder, "--text-length");
}

void draw_row(Row& row, const TestSets& sets, const Drawing& drawing,
              const lora::AdapterFile* adapter, Progress& progress) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<DrawTask> tasks;
  const size_t count = sets.sets.size();
  for (int64_t repeat = 0; repeat < drawing.request.repeat; ++repeat) {
    for (size_t i = 0; i < count; ++i) {
      tasks.push_back({caption_of(sets.sets[i], adapter), sets.sets[i].layout,
                       drawing.request.seed + i + static_cast<uint64_t>(repeat) * count});
    }
  }
  std::vector<image::Image> pictures =
      draw_canvases(drawing.model, tasks, drawing.settings, progress);
  row.sets.resize(count);
  size_t set = 0;
  for (size_t i = 0; i < pictures.size(); ++i) {
    std::vector<image::Image> panels = panels::split(pictures[i], tasks[i].layout);
    row.sets[set].push_back({std::move(pictures[i]), std::move(panels), {}});
    set = set + 1 == count ? 0 : set + 1;
  }
  row.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Json row_json(const Row& row) {
  Json out = {{"name", row.name}, {"kind", row.kind}};
  if (row.about.is_object()) out.update(row.about);
  Json& measures = out["measures"] = Json::object();
  for (const std::string& name : measure_names(row)) {
    measures[name] = estimate_json(estimate_of(row, name));
  }
  if (row.feature_distance) out["feature_distance"] = rounded(*row.feature_distance);
  if (row.frechet) out["frechet"] = rounded(*row.frechet);
  if (row.seconds > 0) out["seconds"] = std::round(row.seconds * 100) / 100;
  return out;
}

Json differences_json(const std::vector<Row>& rows) {
  Json out = Json::array();
  const auto base =
      std::find_if(rows.begin(), rows.end(), [](const Row& row) { return row.kind == "base"; });
  if (base == rows.end()) return out;
  for (const Row& row : rows) {
    if (row.kind != "lora") continue;
    Json measures = Json::object();
    for (const std::string& name : measure_names(row)) {
      measures[name] = estimate_json(difference_of(row, *base, name));
    }
    out.push_back({{"row", row.name}, {"against", base->name}, {"measures", measures}});
  }
  return out;
}

Json results_json(const Comparison& comparison, uint64_t seed) {
  Json out = Json::array();
  for (size_t i = 0; i < comparison.sets.sets.size(); ++i) {
    const TestSet& set = comparison.sets.sets[i];
    Json rows = Json::object();
    for (const Row& row : comparison.rows) {
      Json canvases = Json::array();
      for (const DrawnSet& drawn : row.sets[i]) {
        Json one = Json::object();
        if (!drawn.read.empty()) {
          one["read"] = reading_json(comparison.sets, set, drawn, *comparison.classifier);
        }
        canvases.push_back(one);
      }
      Json measures = Json::object();
      for (const auto& [name, value] : row.measures[i]) {
        if (value.weight > 0) measures[name] = rounded(value.sum / value.weight);
      }
      rows[row.name] = {{"measures", measures}, {"canvases", canvases}};
    }
    out.push_back({{"id", set.set.id},
                   {"seed", seed + i},
                   {"caption", caption_of(set, nullptr)},
                   {"rows", rows}});
  }
  return out;
}

Json names_of(const std::vector<size_t>& columns, const std::optional<Classifier>& classifier) {
  Json out = Json::array();
  for (const size_t column : columns) out.push_back(classifier->columns[column].name);
  return out;
}

}  // namespace

CompareRequest compare_request_from_json(const Json& json, const std::string& origin) {
  CompareRequest out;
  out.model = json_string_or(json, "model", origin, "");
  out.sets = json_string(json, "sets", origin);
  read_drawing_request(json, origin, out);
  if (const auto loras = json.find("loras"); loras != json.end()) {
    for (const Json& lora : *loras) {
      out.loras.push_back(
          {json_string(lora, "file", origin), json_number_or(lora, "strength", origin, 1.0)});
      if (!(std::abs(out.loras.back().strength) <= kStrongest)) {
        fail_input("{}: the strength of '{}' must lie between -{} and {}.", origin,
                   printable(out.loras.back().file), kStrongest, kStrongest);
      }
    }
  }
  out.allow_unmatched = json_bool_or(json, "allow_unmatched", origin, false);
  out.base = json_bool_or(json, "base", origin, true);
  if (json.contains("grid")) out.grid = panels::parse_grid(json_string(json, "grid", origin));
  if (json.contains("count")) {
    out.count = json_integer(json, "count", origin, 1, std::numeric_limits<int64_t>::max());
  }
  out.repeat = json_integer_or(json, "repeat", origin, 1, kMostRepeats, 1);
  return out;
}

Comparison compare(const CompareRequest& request, Progress& progress) {
  Comparison out;
  if (const auto file = find_classifier(request)) out.classifier = open_classifier(*file);
  std::optional<sampling::OpenModel> model;
  if (!request.model.empty()) {
    model = sampling::open_model(request.model, request.model_search);
    for (const std::string& warning : model->warnings) log::write_warning(warning);
  } else if (!request.loras.empty()) {
    fail_input("--lora needs the model that it belongs to; name it with --model DIR|NAME.");
  }
  std::vector<lora::AdapterFile> adapters;
  for (const auto& choice : request.loras) adapters.push_back(lora::read_adapter(choice.file));

  if (model) check_adapters(request, adapters, *model);

  const TestSetOptions options = set_options(request, adapters, model);
  out.sets = read_test_sets(request.sets, out.classifier ? &*out.classifier : nullptr, options);
  if (!out.sets.labelled) {
    log::info(
        "no labels.jsonl (or no classifier): seams, colours and likeness are measured from "
        "pixels alone.");
  }

  std::optional<Drawing> drawing;
  if (model) {
    drawing.emplace(Drawing{request, *model, draw_settings(request, *model)});
    warn_of_long_captions(out.sets, adapters, *drawing);
  }

  std::vector<SetLook> training;
  if (request.train) training = training_looks(*request.train, options);

  out.rows.push_back(drawn_row(out.sets));
  if (auto row = shuffled_row(out.sets)) out.rows.push_back(std::move(*row));
  // Without labels nothing is read, and softness hides nothing.
  if (model && out.sets.labelled) out.rows.push_back(rebuilt_row(out.sets, *model, progress));
  if (drawing) {
    if (request.base) {
      Row row;
      row.name = row.kind = "base";
      draw_row(row, out.sets, *drawing, nullptr, progress);
      out.rows.push_back(std::move(row));
    }
    std::set<std::string> names;
    for (const Row& row : out.rows) names.insert(row.name);
    for (size_t i = 0; i < adapters.size(); ++i) {
      const sampling::LoraChoice& choice = request.loras[i];
      Row row;
      row.name = row_name(choice, names);
      names.insert(row.name);
      row.kind = "lora";
      row.about = {{"file", choice.file},
                   {"sha256", sha256_of_file(choice.file)},
                   {"strength", choice.strength}};
      drawing->settings.adapters = {{&adapters[i], choice.strength, request.allow_unmatched}};
      drawing->settings.method = sampling::trained_method({adapters[i]});
      row.about["method"] = sampling::name_of(drawing->settings.method);
      draw_row(row, out.sets, *drawing, &adapters[i], progress);
      out.rows.push_back(std::move(row));
    }
    out.report["settings"] = settings_json(request, drawing->settings);
  }
  const Classifier* classifier = out.sets.labelled ? &*out.classifier : nullptr;
  for (Row& row : out.rows) measure_row(row, out.sets, classifier, training);

  Json report = {{"version", 1},
                 {"sets", out.sets.folder.native()},
                 {"task", out.sets.task},
                 {"count", out.sets.sets.size()},
                 {"repeat", request.repeat},
                 {"grid", panels::to_string(out.sets.sets[0].layout.grid)},
                 {"labelled", out.sets.labelled},
                 {"shared", names_of(out.sets.shared, out.classifier)},
                 {"varies", names_of(out.sets.varies, out.classifier)}};
  if (out.classifier) report["classifier_sha256"] = out.classifier->sha256;
  if (model) {
    report["model"] = model->folder.path.native();
    report["model_sha256"] = model->model_sha256;
    report["settings"] = out.report["settings"];
  }
  report["rows"] = Json::array();
  for (const Row& row : out.rows) report["rows"].push_back(row_json(row));
  report["differences"] = differences_json(out.rows);
  report["results"] = results_json(out, request.seed);
  out.report = std::move(report);
  return out;
}

}  // namespace iclora::eval
