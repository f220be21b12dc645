#include "study/drawing.h"

#include <algorithm>
#include <chrono>

#include "eval/adapter_captions.h"
#include "eval/candidates.h"
#include "lora/stated.h"

namespace iclora::study {
namespace {

using sampling::GivenMethod;

/// How the weights that a row draws with were trained.
struct Made {
  sampling::Method method = sampling::Method::canvas;
  std::optional<lora::GivenTraining> given;  ///< none: without given panels
};

Made made_of(const RowSource& source) {
  Made out;
  if (source.adapter != nullptr) {
    out.method = sampling::trained_method({*source.adapter});
    out.given = lora::given_training(*source.adapter);
  }
  if (source.training == nullptr) return out;
  const run::TrainConfig& train = source.training->train;
  if (source.training->method == run::Method::gdt) out.method = sampling::Method::gdt;
  if (train.conditional > 0) {
    out.given = {train.given_timestep == run::GivenTimestep::zero,
                 train.given_sees == run::GivenSees::given};
  }
  return out;
}

GivenMethod condition_of(const RowPlan& row, const Made& made) {
  return row.condition.value_or(made.given ? GivenMethod::clean : GivenMethod::replace);
}

bool at_zero(const RowPlan& row, const Made& made) {
  if (row.given_at_zero) return *row.given_at_zero;
  if (row.given_sees == flux::GivenSees::given) return true;
  return made.given && made.given->at_zero;
}

/// Of rows whose given panels stay clean at timestep 0.
flux::GivenSees sees(const RowPlan& row, const Made& made) {
  if (row.given_sees) return *row.given_sees;
  const bool apart = made.given && made.given->apart;
  return apart ? flux::GivenSees::given : flux::GivenSees::all;
}

/// The set as this row reads it.
dataset::Set told(const eval::TestSet& set, const RowDrawing& drawing) {
  return drawing.silent ? dataset::told_without(set.set, drawing.given) : set.set;
}

std::string caption_of(const eval::TestSet& set, const RowDrawing& drawing) {
  return dataset::joint_caption(told(set, drawing), set.layout.grid, drawing.caption);
}

/// What is drawn of every set, [repeat][sets] in one list.
std::vector<eval::DrawTask> tasks_of(const RowDrawing& drawing, const eval::TestSets& sets,
                                     uint64_t seed, int64_t repeat) {
  std::vector<eval::DrawTask> out;
  for (int64_t k = 0; k < repeat; ++k) {
    for (const eval::TestSet& set : sets.sets) {
      eval::DrawTask task;
      task.caption = caption_of(set, drawing);
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

/// Replaces every task's seed by that of its best candidate.
void choose_seeds(const RowDrawing& drawing, const eval::TestSets& sets,
                  const eval::DrawSettings& settings, std::vector<eval::DrawTask>& tasks,
                  Progress& progress) {
  eval::DrawSettings rough = settings;
  rough.steps = candidate_steps(drawing);
  const std::vector<eval::SetScorer> scorers = scorers_of(drawing, sets);
  std::vector<double> best(tasks.size(), -1);
  std::vector<uint64_t> seeds(tasks.size());
  for (int64_t c = 0; c < drawing.candidates->count; ++c) {
    std::vector<eval::DrawTask> round = tasks;
    for (eval::DrawTask& task : round) task.seed += static_cast<uint64_t>(c) * tasks.size();
    const std::vector<image::Image> roughs =
        eval::draw_canvases(drawing.model, round, rough, progress);
    for (size_t i = 0; i < roughs.size(); ++i) {
      const eval::Scored scored = scorers[i % scorers.size()].score(roughs[i]);
      if (!scored.score || scored.score->value <= best[i]) continue;
      best[i] = scored.score->value;
      seeds[i] = round[i].seed;
    }
  }
  for (size_t i = 0; i < tasks.size(); ++i) tasks[i].seed = seeds[i];
}

}  // namespace

DrawingInputs open_drawing(const Plan& plan, const StudyOptions& options) {
  DrawingInputs out{sampling::open_model(plan.model, options.model_search), {}, nullptr};
  out.settings = eval::draw_settings(plan.draw, out.model);
  const bool read = std::any_of(plan.rows.begin(), plan.rows.end(), [](const RowPlan& row) {
    return row.candidates && row.candidates->score != "pixels";
  });
  auto file = eval::find_classifier(plan.draw);
  if (!file) file = eval::classifier_beside(out.model.folder.path);
  if (read && file) out.reader = eval::open_word_reader(*file);
  return out;
}

std::vector<eval::SetScorer> scorers_of(const RowDrawing& drawing, const eval::TestSets& sets) {
  eval::ScorerOptions options;
  options.name = drawing.candidates->score;
  options.reader = drawing.reader;
  // Nothing is looked for beside a model that was trained here.
  if (options.name == "auto" && !options.reader) options.name = "pixels";
  std::vector<eval::SetScorer> out;
  for (const eval::TestSet& set : sets.sets) {
    const std::string text = caption_of(set, drawing);
    eval::SetToScore to_score{told(set, drawing).caption, text, set.layout,
                              drawing.model.folder.path};
    if (to_score.caption.panels.size() != set.panels.size()) to_score.caption = {"", text, {}};
    out.push_back(eval::make_scorer(to_score, options));
  }
  return out;
}

Json row_settings(const Plan& plan, const PlannedRow& row, const RowSource& source,
                  const DrawingInputs& inputs) {
  const RowPlan& asked = *row.row;
  const Made made = made_of(source);
  Json out = eval::settings_json(plan.draw, inputs.settings);
  out["method"] = sampling::name_of(asked.method.value_or(made.method));
  if (!asked.given.empty()) {
    const GivenMethod condition = condition_of(asked, made);
    out["given"] = asked.given;
    out["condition"] = name_of(condition);
    if (condition == GivenMethod::clean) {
      const bool zero = at_zero(asked, made);
      out["given_timestep"] = zero ? "zero" : "shared";
      // Only where it says something: rows from before there was this option stay what they are.
      if (zero && sees(asked, made) == flux::GivenSees::given) out["given_sees"] = "given";
    }
    if (condition == GivenMethod::sdedit) out["strength"] = asked.strength;
    out["given_attention"] = asked.given_attention;
    if (asked.silent) out["silent"] = true;
  }
  if (asked.candidates) {
    const int64_t steps =
        asked.candidates->steps.value_or(eval::default_candidate_steps(inputs.settings.steps));
    out["candidates"] = {
        {"count", asked.candidates->count}, {"steps", steps}, {"score", asked.candidates->score}};
    if (asked.candidates->score != "pixels" && inputs.reader) {
      out["candidates"]["reader"] = inputs.reader->sha256;
    }
  }
  return out;
}

RowDrawing open_row(const PlannedRow& row, const DrawingInputs& inputs, const RowSource& source,
                    const std::optional<Trained>& trained) {
  const RowPlan& asked = *row.row;
  const run::Config* training = source.training;
  const Made made = made_of(source);
  RowDrawing out;
  out.model = inputs.model;
  out.settings = inputs.settings;
  out.given = asked.given;
  out.silent = asked.silent;
  out.candidates = asked.candidates;
  out.reader = inputs.reader;
  if (source.adapter != nullptr) {
    out.adapter = *source.adapter;
    out.caption = eval::caption_options(*out.adapter);
  } else if (trained) {
    if (std::filesystem::is_directory(trained->result)) {
      out.model = sampling::open_model(trained->result.native(), {});
    } else {
      out.adapter = lora::read_adapter(trained->result);
      out.caption = eval::caption_options(*out.adapter);
    }
  } else if (training != nullptr && training->lora.targets.kind != run::LoraTargets::Kind::full) {
    out.caption.trigger = training->data.trigger;
    out.caption.dialect = training->data.dialect;
  }
  out.settings.method = asked.method.value_or(made.method);
  out.settings.condition = condition_of(asked, made);
  out.settings.given_at_zero = out.settings.condition == GivenMethod::clean && at_zero(asked, made);
  if (out.settings.given_at_zero) out.settings.given_sees = sees(asked, made);
  out.settings.strength = asked.strength;
  out.settings.given_attention = asked.given_attention;
  return out;
}

void add_captions(const RowDrawing& drawing, const eval::TestSets& sets,
                  eval::LongCaptions& captions) {
  for (const eval::TestSet& set : sets.sets) {
    captions.add(set.set.id, caption_of(set, drawing), set.layout.boxes.size(),
                 drawing.settings.method);
  }
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
