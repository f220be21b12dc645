#include "pretrain/recipe.h"

#include <algorithm>

#include "core/error.h"
#include "core/nearest.h"
#include "core/yaml.h"

namespace iclora::pretrain {
namespace {

namespace fs = std::filesystem;

/// A map whose keys are read one by one; what was not read in the end is unknown.
class Fields {
 public:
  Fields(const Json& json, std::string origin) : json_(json), origin_(std::move(origin)) {
    if (!json.is_object()) fail_input("{} must be a map.", origin_);
  }

  void number(const char* key, double& value, double low, double high) {
    known_.emplace_back(key);
    value = json_number_or(json_, key, origin_, value);
    if (!(value >= low && value <= high)) {
      fail_input("{}: '{}' is {}, expected a number from {} to {}.", origin_, key, value, low,
                 high);
    }
  }
  void integer(const char* key, int64_t& value, int64_t low, int64_t high) {
    known_.emplace_back(key);
    value = json_integer_or(json_, key, origin_, low, high, value);
  }
  void flag(const char* key, bool& value) {
    known_.emplace_back(key);
    if (!json_.contains(key)) return;
    if (!json_.at(key).is_boolean()) fail_input("{}: '{}' must be true or false.", origin_, key);
    value = json_.at(key).get<bool>();
  }
  std::string text(const char* key) {
    known_.emplace_back(key);
    return json_string(json_, key, origin_);
  }
  bool has(const char* key) const { return json_.contains(key); }
  const Json& member(const char* key) {
    known_.emplace_back(key);
    if (!json_.contains(key)) fail_input("{}: '{}' is missing.", origin_, key);
    return json_.at(key);
  }
  void finish() const {
    for (const auto& [key, value] : json_.items()) {
      if (std::find(known_.begin(), known_.end(), key) == known_.end()) {
        const auto close = nearest(key, known_);
        fail_input("{}: there is no key '{}'{}", origin_, printable(key),
                   close ? fmt::format("; did you mean '{}'?", *close) : ".");
      }
    }
  }
  const std::string& origin() const { return origin_; }

 private:
  const Json& json_;
  std::string origin_;
  std::vector<std::string> known_;
};

/// A text is a pack of weight 1; a map has `pack` and `weight`.
Source read_source(const Json& json, const std::string& origin, const fs::path& folder) {
  if (json.is_string()) return {folder / json.get<std::string>(), 1};
  Fields fields(json, origin);
  Source source;
  source.pack = folder / fields.text("pack");
  fields.number("weight", source.weight, 1e-6, 1e6);
  fields.finish();
  return source;
}

Phase read_phase(const Json& json, const std::string& origin, const fs::path& folder) {
  Fields fields(json, origin);
  Phase phase;
  fields.integer("steps", phase.steps, 1, 1'000'000'000);
  if (phase.steps == 0) fail_input("{}: 'steps' is missing.", origin);
  const Json& data = fields.member("data");
  if (!data.is_array() || data.empty()) fail_input("{}: 'data' must be a list of packs.", origin);
  for (const Json& entry : data) {
    phase.data.push_back(read_source(entry, origin + ": data", folder));
  }
  fields.integer("batch", phase.batch, 1, 65536);
  fields.integer("crop", phase.crop, 0, 4096);
  if (phase.crop % 8 != 0) fail_input("{}: 'crop' must be a multiple of 8.", origin);
  fields.number("squares", phase.squares, 0, 1000);
  fields.integer("warmup", phase.warmup, 0, 1'000'000'000);
  fields.number("learning_rate", phase.learning_rate, 0, 10);
  phase.end_learning_rate = phase.learning_rate;
  fields.number("end_learning_rate", phase.end_learning_rate, 0, 10);
  fields.number("head_weight", phase.head_weight, 0, 100);
  fields.number("caption_dropout", phase.caption_dropout, 0, 1);
  fields.number("full_text", phase.full_text, 0, 1);
  fields.number("distilled", phase.distilled, 0, 1);
  fields.number("most_guidance", phase.most_guidance, 1, 100);
  fields.finish();
  return phase;
}

StageRecipe read_stage(const Json& json, const std::string& origin, const fs::path& folder) {
  Fields fields(json, origin);
  StageRecipe stage;
  const Json& phases = fields.member("phases");
  if (!phases.is_array() || phases.empty()) {
    fail_input("{}: 'phases' must be a list of phases.", origin);
  }
  for (size_t i = 0; i < phases.size(); ++i) {
    stage.phases.push_back(
        read_phase(phases[i], fmt::format("{}: phase {}", origin, i + 1), folder));
  }
  stage.held_out = folder / fields.text("held_out");
  fields.integer("shards", stage.shards, 1, 64);
  fields.integer("save_every", stage.save_every, 1, 1'000'000'000);
  fields.integer("keep", stage.keep, 1, 1000);
  fields.number("beta2", stage.beta2, 0, 0.999999);
  fields.number("weight_decay", stage.weight_decay, 0, 1);
  fields.number("clip", stage.clip, 0, 1e6);
  fields.number("ema", stage.ema, 0, 0.999999);
  fields.number("latent_noise", stage.latent_noise, 0, 1);
  fields.flag("decoder_only", stage.decoder_only);
  fields.flag("muon", stage.muon);
  fields.finish();
  return stage;
}

}  // namespace

int64_t StageRecipe::steps() const {
  int64_t sum = 0;
  for (const Phase& phase : phases) sum += phase.steps;
  return sum;
}

const Phase& StageRecipe::phase(int64_t step) const {
  for (const Phase& phase : phases) {
    if (step < phase.steps) return phase;
    step -= phase.steps;
  }
  return phases.back();
}

double StageRecipe::learning_rate(int64_t step) const {
  for (const Phase& phase : phases) {
    if (step >= phase.steps) {
      step -= phase.steps;
      continue;
    }
    if (step < phase.warmup) {
      return phase.learning_rate * static_cast<double>(step + 1) /
             static_cast<double>(phase.warmup);
    }
    const double p = static_cast<double>(step) / static_cast<double>(phase.steps);
    return phase.learning_rate + p * (phase.end_learning_rate - phase.learning_rate);
  }
  return phases.back().end_learning_rate;
}

Recipe read_recipe(const fs::path& path, const std::optional<fs::path>& packs) {
  const std::string origin = "'" + printable(path.native(), 400) + "'";
  const Json json = read_yaml(path);
  const fs::path folder = path.parent_path();
  Fields fields(json, origin);
  Recipe recipe;
  recipe.name = fields.text("name");
  if (fields.has("from")) {
    recipe.from = folder / fields.text("from");
    if (fields.has("init")) {
      fail_input("{}: 'from' names a model to begin with, 'init' sizes of a new one; keep one.",
                 origin);
    }
  } else {
    recipe.init = folder / fields.text("init");
  }
  int64_t seed = 1;
  fields.integer("seed", seed, 0, INT64_MAX);
  recipe.seed = static_cast<uint64_t>(seed);
  fs::path data = folder;
  if (fields.has("packs")) data = folder / fields.text("packs");
  if (packs) data = *packs;
  recipe.vae = read_stage(fields.member("vae"), origin + ": vae", data);
  recipe.text = read_stage(fields.member("text"), origin + ": text", data);
  recipe.transformer = read_stage(fields.member("transformer"), origin + ": transformer", data);
  if (recipe.vae.decoder_only && !recipe.from) {
    fail_input("{}: vae: 'decoder_only' keeps the encoder of a model that 'from' names.", origin);
  }
  if (recipe.vae.decoder_only && recipe.vae.weight_decay > 0) {
    fail_input("{}: vae: 'weight_decay' would change the encoder that 'decoder_only' keeps.",
               origin);
  }
  if (recipe.text.muon) {
    fail_input("{}: text: 'muon' is for matrices of maps, not for tables of words.", origin);
  }
  for (const StageRecipe* stage : {&recipe.vae, &recipe.text, &recipe.transformer}) {
    for (const Phase& phase : stage->phases) {
      if (phase.distilled > 0) {
        fail_input("{}: 'distilled' belongs to the phases of the stage 'guidance'.", origin);
      }
    }
  }
  if (fields.has("guidance")) {
    recipe.guidance = read_stage(fields.member("guidance"), origin + ": guidance", data);
  }
  fields.finish();
  return recipe;
}

}  // namespace iclora::pretrain
