#pragma once
// The native training configuration: plain structs with their defaults. One list of fields
// (config_fields.h) is what reads, writes and compares them.
//
// Relative paths (model, data.path, out) are relative to the working directory of the program, like
// the paths of every other option, and not to the folder of the configuration file.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "captions/joint_caption.h"
#include "core/json.h"
#include "panels/grid.h"

namespace iclora::run {

enum class Method { canvas, gdt };
enum class Fit { cover, contain };
enum class Schedule { constant, linear, cosine };
enum class Optimizer { adamw };
enum class GivenTimestep { shared, zero };
enum class GivenSees { all, given };
enum class Checkpointing { automatic, on, off };
enum class Precision { bf16, fp32 };
enum class SavePrecision { bf16, fp16, fp32 };
enum class TimestepSampling { logit_normal, uniform };

/// As written in the file: "bf16", "logit_normal", ...
std::string_view name_of(Method value);
std::string_view name_of(Schedule value);
std::string_view name_of(GivenSees value);
std::string_view name_of(Precision value);
std::string_view name_of(SavePrecision value);
std::string_view name_of(TimestepSampling value);

/// Width and height of a panel in pixels, multiples of 16.
struct PanelSize {
  int64_t width = 0;
  int64_t height = 0;
  bool operator==(const PanelSize&) const = default;
};

struct DataConfig {
  std::string path;                          ///< required
  std::optional<panels::Grid> grid;          ///< none: auto
  std::optional<PanelSize> panel;            ///< none: auto
  Fit fit = Fit::cover;                      ///< how a picture fills its panel
  int64_t gutter = 0;                        ///< pixels between panels, a multiple of 16
  std::optional<captions::Dialect> dialect;  ///< none: auto
  std::string trigger;                       ///< stands first in every joint caption
  /// Canvas area at most r x r pixels at the set's own shape, never enlarged; every set is used at
  /// every one of them. Empty: the sets' own size.
  std::vector<int64_t> resolutions;
  /// Sets held out for the validation loss: 1 and more is their number (whole), below 1 their share
  /// of all sets.
  double validation = 0;

  /// How many of `sets` sets are held out: at least 1 if any are asked for, rounded to the nearest.
  /// Error (exit 2) when none is left to train on.
  int64_t validation_sets(int64_t sets) const;
};

struct LoraTargets {
  enum class Kind {
    all,        ///< every Linear inside the blocks, modulations included
    attention,  ///< q, k, v and output projections
    full,       ///< no LoRA: every weight of the transformer
    patterns,   ///< modules whose whole diffusers name matches one of `patterns`
  };
  Kind kind = Kind::all;
  std::vector<std::string> patterns;  ///< ECMAScript regular expressions; they compile
  bool operator==(const LoraTargets&) const = default;
};

struct LoraConfig {
  int64_t rank = 16;
  double alpha = 16;
  LoraTargets targets;
};

struct TimestepConfig {
  TimestepSampling sampling = TimestepSampling::logit_normal;
  double mean = 0;   ///< of the normal, before the sigmoid
  double std = 1;    ///< above 0
  double shift = 1;  ///< t' = shift t / (1 + (shift - 1) t); 1: none
};

struct TrainConfig {
  int64_t steps = 600;     ///< optimizer steps
  int64_t batch = 4;       ///< samples a micro-batch
  int64_t accumulate = 1;  ///< micro-batches an optimizer step
  double learning_rate = 1e-4;
  Optimizer optimizer = Optimizer::adamw;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 1e-4;
  Schedule schedule = Schedule::constant;
  int64_t warmup = 0;  ///< optimizer steps; 0: off
  double clip = 1.0;   ///< global norm; 0: off
  double ema = 0.99;   ///< decay, below 1; 0: off
  double caption_dropout = 0.05;
  double conditional = 0.0;   ///< share of samples with given panels
  double given_silent = 0.5;  ///< of these, the share whose caption says nothing of given panels
  GivenTimestep given_timestep = GivenTimestep::shared;
  GivenSees given_sees = GivenSees::all;  ///< `given` at timestep zero alone
  Checkpointing checkpointing = Checkpointing::automatic;
  std::optional<int64_t> threads;  ///< none: auto
  Precision dtype = Precision::bf16;
  uint64_t seed = 42;  ///< at most 2^63 - 1
  TimestepConfig timesteps;
};

struct SampleConfig {
  int64_t every = 200;  ///< optimizer steps; 0: at the end alone
  int64_t steps = 20;
  double guidance = 3.5;
  uint64_t seed = 42;  ///< of the first prompt; the i-th from 0 takes seed + i
  std::vector<std::string> prompts;
};

struct SaveConfig {
  int64_t every = 200;                        ///< optimizer steps; 0: at the end alone
  int64_t keep = 4;                           ///< checkpoints
  SavePrecision dtype = SavePrecision::bf16;  ///< of the LoRA files; checkpoints hold fp32
};

struct Config {
  std::string name;   ///< of the result; one part of a path
  std::string model;  ///< required: a name, a folder or a file
  Method method = Method::canvas;
  DataConfig data;
  LoraConfig lora;
  TrainConfig train;
  std::optional<SampleConfig> sample;  ///< none: no samples
  SaveConfig save;
  std::string out;  ///< the run's folder
};

/// Where a value came from, by its dotted key: "--set train.batch", "'x.yml': 'config...'"; named
/// in errors in place of the origin and the key.
using Places = std::map<std::string, std::string>;

/// Strict: an unknown key is an error that names the nearest known one; every value is checked for
/// type, range and meaning. Errors (exit 2) name `origin` and the dotted key. What is absent or
/// null takes its default; `model` and `data.path` are required. Name and out may come out empty.
Config config_from_json(const Json& document, const std::string& origin, const Places& places = {});

/// Complete: every key, defaults included, in the order of the design. config_from_json of it gives
/// the same configuration.
Json config_to_json(const Config& config);

/// Every dotted key of the native form ("train.timesteps.mean"), without the sections themselves.
std::vector<std::string> config_keys();

/// Keys whose value is always a text, so that `--set name=2024` needs no quotes.
bool is_text_key(const std::string& dotted_key);

/// A key in which two configurations differ and both values as one-line JSON.
struct Difference {
  std::string key;
  std::string before, after;
};

/// The first difference that forbids --resume: outside `train.steps`, `sample`, `save` and `out`
/// (the folder is the one that is being resumed, however it is now spelt).
std::optional<Difference> first_difference(const Config& before, const Config& after);

}  // namespace iclora::run
