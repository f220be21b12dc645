#include "train/train.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <set>

#include "core/error.h"
#include "core/hash.h"
#include "core/log.h"
#include "run/disk_space.h"
#include "run/run_folder.h"
#include "runtime/file_weights.h"
#include "runtime/memory.h"
#include "train/initial_lora.h"
#include "train/trainer.h"

namespace iclora::train {
namespace {

using Kind = run::LoraTargets::Kind;

at::ScalarType compute_dtype(const run::Config& config) {
  return config.train.dtype == run::Precision::bf16 ? at::kBFloat16 : at::kFloat;
}

std::vector<std::string> targets_of(const run::LoraTargets& targets) {
  switch (targets.kind) {
    case Kind::all:
      return {"all"};
    case Kind::attention:
      return {"attention"};
    case Kind::patterns:
      return targets.patterns;
    case Kind::full:
      break;
  }
  return {};
}

/// Says before anything is loaded what add_lora would say after.
void check_targets(const run::LoraConfig& lora, const flux::Config& config) {
  if (lora.targets.kind == Kind::full) return;
  const LayerFilter filter = layer_filter(targets_of(lora.targets));
  bool any = false;
  for (const weights::ParameterSpec& parameter : flux::parameters(config)) {
    if (parameter.shape.size() != 2) continue;
    const std::string module = parameter.name.substr(0, parameter.name.rfind(".weight"));
    if (!filter(module)) continue;
    any = true;
    check_rank(lora.rank, module, parameter.shape[1], parameter.shape[0]);
  }
  if (!any) fail_no_layer();
}

TrainedTensors attach(const run::Config& config, flux::Transformer& transformer) {
  if (config.lora.targets.kind == Kind::full) return train_every_weight(transformer);
  return add_lora(transformer, layer_filter(targets_of(config.lora.targets)), config.lora.rank,
                  config.lora.alpha, config.train.seed);
}

/// How long one sample's sequence is, and of how many panels' own it is made.
struct SequenceSize {
  int64_t tokens = 0;
  int64_t sequences = 1;
};

SequenceSize size_of(const panels::Layout& layout, run::Method method, int64_t text) {
  const auto panels = static_cast<int64_t>(layout.boxes.size());
  const int64_t sequences = method == run::Method::gdt ? panels : 1;
  return {layout.width * layout.height / 256 + sequences * text, sequences};
}

/// Bytes that the forward pass keeps of one sample for its backward, all blocks together: a double
/// block holds about 34 tensors of a token's width, a single block about 22, and the keys and
/// values of the whole set once more for each panel that is a sequence of its own.
double kept_bytes(const flux::Config& config, const SequenceSize& size, at::ScalarType dtype) {
  const auto doubles = static_cast<double>(config.num_layers);
  const auto singles = static_cast<double>(config.num_single_layers);
  const double widths = 34.0 * doubles + 22.0 * singles +
                        2.0 * static_cast<double>(size.sequences - 1) * (doubles + singles);
  return widths * static_cast<double>(size.tokens * config.width()) *
         static_cast<double>(at::elementSize(dtype));
}

bool checkpointing(const run::Config& config, const flux::Config& model,
                   const SequenceSize& largest) {
  if (config.train.checkpointing != run::Checkpointing::automatic) {
    return config.train.checkpointing == run::Checkpointing::on;
  }
  const auto at_once =
      static_cast<double>(std::min<int64_t>(config.train.batch, at::get_num_threads()));
  return at_once * kept_bytes(model, largest, compute_dtype(config)) >
         0.5 * static_cast<double>(runtime::available_bytes());
}

/// Whether the boxes stand in rows and columns, so that a grid says where they are.
bool in_rows_and_columns(const panels::Layout& layout) {
  for (size_t i = 0; i < layout.boxes.size(); ++i) {
    const auto columns = static_cast<size_t>(layout.grid.columns);
    const panels::Box& box = layout.boxes[i];
    const panels::Box& left = layout.boxes[i / columns * columns];
    const panels::Box& above = layout.boxes[i % columns];
    if (box.y != left.y || box.height != left.height || box.x != above.x ||
        box.width != above.width) {
      return false;
    }
  }
  return true;
}

/// The one value of all items; empty where they differ.
template <typename Value>
std::string common(const std::vector<dataset::Item>& items, const Value& value) {
  const std::string first(value(items.front()));
  const bool same = std::all_of(items.begin(), items.end(), [&](const dataset::Item& item) {
    return std::string(value(item)) == first;
  });
  return same ? first : std::string();
}

/// What the sets have in common, for the LoRA's metadata.
void describe_sets(const SetFeed& feed, const run::Config& config, lora::AdapterInfo& info) {
  const dataset::Plan& plan = feed.plan();
  const panels::Layout* largest = &plan.buckets.front().layout;
  bool one_grid = true;
  for (const dataset::Bucket& bucket : plan.buckets) {
    one_grid =
        one_grid && bucket.layout.grid == largest->grid && in_rows_and_columns(bucket.layout);
    if (bucket.layout.width * bucket.layout.height > largest->width * largest->height) {
      largest = &bucket.layout;
    }
  }
  info.resolution = fmt::format("{}x{}", largest->width, largest->height);
  const panels::Box& first = largest->boxes.front();
  const bool equal_panels =
      std::all_of(largest->boxes.begin(), largest->boxes.end(), [&](const panels::Box& box) {
        return box.width == first.width && box.height == first.height;
      });
  if (one_grid) info.grid = panels::to_string(largest->grid);
  if (one_grid && equal_panels) info.panel = fmt::format("{}x{}", first.width, first.height);
  const std::vector<dataset::Set>& sets = feed.sets();
  if (one_grid && largest->boxes.size() > 1) {
    const dataset::DataOptions options =
        data_options(config.data, static_cast<int64_t>(sets.size()));
    info.dialect = common(plan.training, [&](const dataset::Item& item) {
      return captions::name_of(dataset::dialect_of(sets[item.set], item.layout.grid, options));
    });
  }
  info.task = common(plan.training, [&](const dataset::Item& item) { return sets[item.set].task; });
  // A tag that all captions begin with is the trigger, whether the configuration says so or not.
  info.trigger = config.data.trigger;
  if (info.trigger.empty()) {
    info.trigger = common(plan.training, [](const dataset::Item& item) {
      return captions::parse(item.caption).caption.trigger;
    });
  }
  std::set<size_t> trained_on;  // a set may come in several resolutions
  for (const dataset::Item& item : plan.training) trained_on.insert(item.set);
  info.training["sets"] = trained_on.size();
}

lora::AdapterInfo describe(const run::Config& config, const sampling::OpenModel& model) {
  lora::AdapterInfo info;
  info.title = config.name;
  info.base = model.folder.path.filename().native();
  info.base_sha256 = model.model_sha256;
  info.architecture =
      model.configs.transformer.guidance_embeds ? "flux-1-dev/lora" : "flux-1-schnell/lora";
  const run::TrainConfig& train = config.train;
  info.training = {
      {"method", run::name_of(config.method)},
      {"rank", config.lora.rank},
      {"alpha", config.lora.alpha},
      {"steps", 0},
      {"batch", train.batch},
      {"accumulate", train.accumulate},
      {"learning_rate", train.learning_rate},
      {"optimizer", "adamw"},
      {"schedule", run::name_of(train.schedule)},
      {"ema", train.ema},
      {"caption_dropout", train.caption_dropout},
      {"conditional", train.conditional},
      {"given_silent", train.given_silent},
      {"given_timestep", train.given_timestep == run::GivenTimestep::zero ? "zero" : "shared"},
      {"given_sees", run::name_of(train.given_sees)},
      {"timesteps", run::name_of(train.timesteps.sampling)},
      {"dtype", run::name_of(train.dtype)},
      {"seed", train.seed}};
  return info;
}

/// Where the transformer and what is trained of it live.
struct Loaded {
  flux::Transformer transformer;
  TrainedTensors trained;
};

std::unique_ptr<Loaded> load(const run::Config& config, const sampling::OpenModel& model,
                             const std::optional<lora::AdapterFile>& initial) {
  auto loaded = std::make_unique<Loaded>();
  runtime::FileWeights source(weights::Checkpoint::open(model.folder.transformer.folder));
  loaded->transformer =
      flux::load_transformer(source, model.configs.transformer, compute_dtype(config));
  loaded->trained = attach(config, loaded->transformer);
  if (config.lora.targets.kind == Kind::full) {
    // As the files hold them: those of layers that compute in bf16 are rounded, and an update of
    // less than half a step of bf16 would be lost in them.
    for (const TrainedTensor& tensor : loaded->trained) {
      tensor.master.copy_(source.get(tensor.name, tensor.master.sizes().vec(), at::kFloat));
    }
  }
  if (initial) {
    start_from(*initial, config.lora.alpha / static_cast<double>(config.lora.rank),
               loaded->trained);
  }
  return loaded;
}

uint64_t result_bytes(const Loaded& loaded) {
  uint64_t bytes = 0;
  for (const TrainedTensor& tensor : loaded.trained) bytes += tensor.master.nbytes();
  return bytes;
}

/// Of the files in a run's folder: what a resumed run does not need anew.
uint64_t bytes_in(const std::filesystem::path& folder) {
  uint64_t bytes = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, error)) {
    const uint64_t size = entry.is_regular_file(error) ? entry.file_size(error) : 0;
    if (!error) bytes += size;
  }
  return bytes;
}

run::DiskNeed disk_need(const run::Config& config, const Loaded& loaded, uint64_t sample_pixels) {
  const int64_t steps = config.train.steps;
  const auto times = [&](int64_t every) {
    return static_cast<uint64_t>(every > 0 ? steps / every + 1 : 1);
  };
  run::DiskNeed need;
  need.checkpoint = (config.train.ema > 0 ? 4 : 3) * result_bytes(loaded);
  need.keep = config.save.keep;
  need.results = result_bytes(loaded) *
                 (config.lora.targets.kind == Kind::full ? 1 : times(config.save.every));
  // A PNG rarely takes more than its pixels' bytes; canvas and panels.
  if (config.sample) need.samples = times(config.sample->every) * sample_pixels * 6;
  need.present = bytes_in(config.out);
  return need;
}

}  // namespace

TrainResult train(const run::Config& config, const TrainOptions& options, Progress& progress) {
  const c10::NoGradGuard no_grad;
  progress.report({.phase = "opening the model", .step = 0, .total = 0, .loss = {}});
  run::RunFolder::check(config, options.resume);
  if (options.init_lora && config.lora.targets.kind == Kind::full) {
    fail_input("--init-lora begins a LoRA, but lora.targets is full; leave one of them out.");
  }
  const sampling::OpenModel model = sampling::open_model(config.model, options.model_search);
  for (const std::string& warning : model.warnings) log::write_warning(warning);
  check_targets(config.lora, model.configs.transformer);
  std::optional<lora::AdapterFile> initial;
  if (options.init_lora) initial = lora::read_adapter(*options.init_lora);

  lora::AdapterInfo info = describe(config, model);
  run::RunInputs inputs = {{"the base model", model.model_sha256}};
  if (options.init_lora) inputs["the adapter of --init-lora"] = sha256_of_file(*options.init_lora);
  if (options.replay) inputs["the file of --replay"] = sha256_of_file(*options.replay);
  std::unique_ptr<Feed> feed;
  std::vector<SetFeed::HeldOut> held_out;
  panels::Layout layout = panels::grid_layout({1, 1}, 64, 64);
  SequenceSize largest;
  const int64_t text = sampling::default_text_length(model);
  if (options.replay) {
    std::optional<ReplayPanels> apart;
    if (config.method == run::Method::gdt) apart = {config.data.grid, config.data.gutter};
    Replay replay(*options.replay, model.configs.transformer, apart);
    layout = replay.layout(0);
    info.resolution = fmt::format("{}x{}", layout.width, layout.height);
    largest = size_of(layout, config.method, 0);
    largest.tokens += replay.batch(0).t5.size(1);
    feed = std::make_unique<ReplayFeed>(std::move(replay), config.train.steps,
                                        config.train.accumulate);
  } else {
    progress.report({.phase = "reading sets", .step = 0, .total = 0, .loss = {}});
    auto sets = std::make_unique<SetFeed>(config, EncodingCache(options.cache), options.sets);
    run::DiskNeed cache;
    cache.cache = sets->cache_bytes(model);
    run::check_disk_space(options.cache, cache);
    sets->encode(model, progress);
    inputs["the data set"] = sets->fingerprint();
    describe_sets(*sets, config, info);
    layout = sets->plan().buckets.front().layout;
    for (const dataset::Bucket& bucket : sets->plan().buckets) {
      const SequenceSize size = size_of(bucket.layout, config.method, text);
      if (size.tokens > largest.tokens) largest = size;
    }
    held_out = sets->held_out();
    feed = std::move(sets);
  }
  std::vector<SamplePrompt> prompts;
  if (config.sample) {
    prompts = sample_prompts(model, *config.sample, layout, method_of(config),
                             compute_dtype(config), progress);
  }

  progress.report({.phase = "loading the model", .step = 0, .total = 0, .loss = {}});
  const auto loaded = load(config, model, initial);
  uint64_t sample_pixels = 0;
  for (const SamplePrompt& prompt : prompts) {
    sample_pixels += static_cast<uint64_t>(prompt.layout.width * prompt.layout.height);
  }
  run::check_disk_space(config.out, disk_need(config, *loaded, sample_pixels));
  MicroStepSettings micro;
  micro.checkpointing = checkpointing(config, model.configs.transformer, largest);
  micro.micro_batches = config.train.accumulate;
  micro.given_at_zero = config.train.given_timestep == run::GivenTimestep::zero;
  if (config.train.given_sees == run::GivenSees::given) micro.given_sees = flux::GivenSees::given;

  // Read again only if the training goes back to its beginning.
  const auto values_at_start = [&] { return masters(load(config, model, initial)->trained); };
  Trainer trainer({config, model, loaded->transformer, loaded->trained, *feed, held_out, prompts,
                   micro, info, inputs},
                  options.resume, values_at_start, progress);
  return trainer.run();
}

}  // namespace iclora::train
