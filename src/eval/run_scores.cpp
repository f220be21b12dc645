#include "eval/run_scores.h"

#include <algorithm>
#include <charconv>

#include "core/error.h"
#include "core/hash.h"
#include "core/log.h"
#include "core/yaml.h"
#include "lora/stated.h"
#include "run/config.h"

namespace iclora::eval {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSuffix = ".safetensors";

std::string quoted(const fs::path& path) {
  return "'" + printable(path.native(), 400) + "'";
}

/// The step in NAME-000200.safetensors.
std::optional<int64_t> step_in(const fs::path& file, const std::string& name) {
  const std::string stem = file.stem().native();
  if (file.extension() != kSuffix || !stem.starts_with(name + "-")) return std::nullopt;
  const std::string digits = stem.substr(name.size() + 1);
  int64_t step = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), step);
  if (error != std::errc() || end != digits.data() + digits.size() || step < 0) return std::nullopt;
  return step;
}

/// Steps that the finished adapter says it was trained for.
int64_t steps_of(const fs::path& file) {
  const lora::AdapterFile adapter = lora::read_adapter(file);
  const Json* steps = lora::stated_training(adapter, "steps");
  return steps != nullptr && steps->is_number_integer() ? steps->get<int64_t>() : 0;
}

run::Config config_of(const fs::path& folder) {
  const fs::path file = folder / "config.yaml";
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored)) {
    fail_input("{} is not the folder of a training: it has no config.yaml.", quoted(folder));
  }
  return run::config_from_json(read_yaml(file), quoted(file));
}

/// A number as people read it in a sentence.
std::string figure(const Estimate& estimate) {
  return fmt::format("{:.1f} points ({:.1f} to {:.1f})", 100 * estimate.value, 100 * estimate.low,
                     100 * estimate.high);
}

/// By the score, then by adherence, then by likeness to the real sets: where nothing succeeds yet,
/// something still leads there.
bool is_better(const Row& one, const Row& other, const std::string& score) {
  for (const std::string& measure : {score, std::string("adherence"), std::string("like_real")}) {
    const double mine = estimate_of(one, measure).value;
    const double theirs = estimate_of(other, measure).value;
    if (mine != theirs) return mine > theirs;
  }
  return false;
}

}  // namespace

RunRequest run_request_from_json(const Json& json, const std::string& origin) {
  Json rest = json;
  if (!rest.contains("sets")) rest["sets"] = "";
  RunRequest out;
  static_cast<CompareRequest&>(out) = compare_request_from_json(rest, origin);
  out.run = json_string(json, "run", origin);
  if (!out.loras.empty()) fail_input("--run takes the run's own adapters; leave out --lora.");
  return out;
}

std::vector<SavedAdapter> saved_adapters(const fs::path& run, const std::string& name) {
  const fs::path folder = run / "lora";
  std::error_code error;
  std::vector<SavedAdapter> out;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (const auto step = step_in(entry.path(), name)) out.push_back({entry.path(), *step});
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.step < b.step; });
  const fs::path result = folder / (name + kSuffix);
  if (fs::is_regular_file(result, error)) {
    const bool same = !out.empty() && sha256_of_file(result) == sha256_of_file(out.back().file);
    const int64_t steps = steps_of(result);
    if (!same && (out.empty() || steps != out.back().step)) out.push_back({result, steps});
  }
  if (out.empty()) {
    fail_input("{} holds no adapter '{}-000200{}' or '{}{}'; the training has not saved one yet.",
               quoted(folder), printable(name), kSuffix, printable(name), kSuffix);
  }
  return out;
}

RunVerdict judge_run(const std::vector<Row>& rows, const std::string& score) {
  RunVerdict out;
  const auto is_adapter = [](const Row& row) { return row.kind == "lora"; };
  const auto first = std::find_if(rows.begin(), rows.end(), is_adapter);
  if (first == rows.end()) return out;
  const Row& last = *std::find_if(rows.rbegin(), rows.rend(), is_adapter);
  out.best = static_cast<size_t>(first - rows.begin());
  for (size_t i = out.best + 1; i < rows.size(); ++i) {
    if (is_adapter(rows[i]) && is_better(rows[i], rows[out.best], score)) out.best = i;
  }
  const Row& best = rows[out.best];
  if (&best != &last) {
    const Estimate better = difference_of(best, last, score);
    if (better.low > 0) {
      out.warnings.push_back(
          fmt::format("The training went on too long: '{}' is better than the last, '{}', by {}.",
                      printable(best.name), printable(last.name), figure(better)));
    }
  }
  const auto base =
      std::find_if(rows.begin(), rows.end(), [](const Row& row) { return row.kind == "base"; });
  if (base != rows.end() && difference_of(best, *base, score).low <= 0) {
    out.warnings.push_back(fmt::format(
        "Not even the best, '{}', is surely better than the base: {}; measure more sets "
        "(--repeat), or train longer or on more sets.",
        printable(best.name), figure(difference_of(best, *base, score))));
  }
  const auto drawn =
      std::find_if(rows.begin(), rows.end(), [](const Row& row) { return row.kind == "drawn"; });
  if (drawn != rows.end()) {
    const Estimate nearer = difference_of(*drawn, last, "train_distance");
    if (nearer.low > 0) {
      out.warnings.push_back(fmt::format(
          "'{}' repeats its training sets: its pictures are nearer to them than real held-out sets "
          "are, by {} of the colour range.",
          printable(last.name), figure(nearer)));
    }
  }
  return out;
}

Comparison score_run(const RunRequest& request, Progress& progress) {
  const run::Config config = config_of(request.run);
  CompareRequest all = request;
  const auto adapters = saved_adapters(request.run, config.name);
  for (const SavedAdapter& adapter : adapters) all.loras.push_back({adapter.file.native(), 1.0});
  if (all.model.empty()) all.model = config.model;
  if (!all.grid) all.grid = config.data.grid;
  if (!all.panel && config.data.panel) {
    all.panel = sampling::Size{config.data.panel->width, config.data.panel->height};
  }
  all.train = TrainingSets{config.data.path, config.data.validation};
  if (all.sets.empty()) {
    if (config.data.validation <= 0) {
      fail_input(
          "{} was trained on all of its sets (data.validation: 0); name held-out ones with --sets "
          "DIR.",
          quoted(request.run));
    }
    all.sets = config.data.path;
    all.held_out = config.data.validation;
  }
  Comparison out = compare(all, progress);
  out.losses = read_losses(request.run / "metrics.jsonl");
  const std::string score =
      estimate_of(out.rows.front(), "success").sets > 0 ? "success" : "like_real";
  const RunVerdict verdict = judge_run(out.rows, score);
  size_t number = 0;
  int64_t best_step = 0;
  for (size_t i = 0; i < out.rows.size(); ++i) {
    if (out.rows[i].kind != "lora") continue;
    const int64_t step = adapters[number++].step;
    out.report["rows"][i]["step"] = step;
    if (i == verdict.best) best_step = step;
  }
  for (const std::string& warning : verdict.warnings) log::write_warning(warning);
  out.report["run"] = {{"folder", request.run.native()},
                       {"name", config.name},
                       {"score", score},
                       {"best", out.rows[verdict.best].name},
                       {"best_step", best_step},
                       {"warnings", verdict.warnings}};
  return out;
}

}  // namespace iclora::eval
