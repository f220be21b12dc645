#include "train/feed.h"

#include <ATen/ATen.h>

#include <numeric>
#include <set>

#include "core/error.h"
#include "core/hash.h"
#include "core/log.h"
#include "dataset/read_sets.h"
#include "panels/masks.h"
#include "sampling/text_length.h"
#include "train/encode.h"

namespace iclora::train {
namespace {

// Encodings up to this size stay in memory; the rest is read again whenever its turn comes.
constexpr uint64_t kBytesInMemory = uint64_t{1} << 30;

constexpr int64_t kPixelsPerLatent = 8;

uint64_t bytes_of(const NamedTensors& tensors) {
  uint64_t sum = 0;
  for (const auto& [name, tensor] : tensors) sum += tensor.nbytes();
  return sum;
}

panels::Box latent_box(const panels::Box& box) {
  return {box.x / kPixelsPerLatent, box.y / kPixelsPerLatent, box.width / kPixelsPerLatent,
          box.height / kPixelsPerLatent};
}

bool has_gutters(const panels::Layout& layout) {
  const int64_t covered = std::accumulate(
      layout.boxes.begin(), layout.boxes.end(), int64_t{0},
      [](int64_t sum, const panels::Box& box) { return sum + box.width * box.height; });
  return covered != layout.width * layout.height;
}

}  // namespace

ReplayFeed::ReplayFeed(Replay replay, int64_t steps, int64_t accumulate)
    : replay_(std::move(replay)), accumulate_(accumulate) {
  if (replay_.count() < steps * accumulate) {
    fail_input(
        "The replay file has {} micro-batches, but {} steps of {} need {}; lower train.steps.",
        replay_.count(), steps, accumulate, steps * accumulate);
  }
  for (int64_t k = 0; k < steps * accumulate; ++k) static_cast<void>(replay_.batch(k));
}

MicroBatch ReplayFeed::batch(int64_t step, int64_t micro) {
  return replay_.batch(step * accumulate_ + micro);
}

dataset::DataOptions data_options(const run::DataConfig& data, int64_t sets) {
  dataset::DataOptions options;
  options.grid = data.grid;
  if (data.panel) options.panel = panels::Size{data.panel->width, data.panel->height};
  options.fit.kind =
      data.fit == run::Fit::cover ? dataset::Fit::Kind::cover : dataset::Fit::Kind::contain;
  options.gutter = data.gutter;
  options.dialect = data.dialect;
  options.trigger = data.trigger;
  options.resolutions = data.resolutions;
  options.validation = data.validation_sets(sets);
  return options;
}

sampling::Method method_of(const run::Config& config) {
  return config.method == run::Method::gdt ? sampling::Method::gdt : sampling::Method::canvas;
}

at::Tensor latent_mask(const panels::Layout& layout, const std::vector<int64_t>& numbers) {
  const std::vector<uint8_t> mask = panels::panel_mask(layout, numbers, kPixelsPerLatent);
  at::Tensor out =
      at::empty({layout.height / kPixelsPerLatent, layout.width / kPixelsPerLatent}, at::kBool);
  std::transform(mask.begin(), mask.end(), out.mutable_data_ptr<bool>(),
                 [](uint8_t value) { return value != 0; });
  return out;
}

std::vector<int64_t> all_panels(const panels::Layout& layout) {
  std::vector<int64_t> numbers(layout.boxes.size());
  std::iota(numbers.begin(), numbers.end(), 1);
  return numbers;
}

SetFeed::SetFeed(const run::Config& config, EncodingCache cache, std::optional<int64_t> first)
    : config_(config), cache_(std::move(cache)) {
  sets_ = dataset::read_sets(config.data.path, {config.data.grid});
  if (first) {
    if (static_cast<int64_t>(sets_.size()) < *first) {
      fail_input("'{}' holds {} sets, but {} of them are to be trained on; add sets, or use fewer.",
                 printable(config.data.path, 400), sets_.size(), *first);
    }
    sets_.resize(static_cast<size_t>(*first));
  }
  options_ = data_options(config.data, static_cast<int64_t>(sets_.size()));
  plan_ = dataset::plan_sets(sets_, options_, config.data.path);
  for (const dataset::Item& item : plan_.training) static_cast<void>(captions_of(item));
  for (const dataset::Item& item : plan_.validation) static_cast<void>(captions_of(item));
  draws_.emplace(plan_, config.train);
  if (config.train.conditional <= 0 || config.train.given_silent <= 0) return;
  for (int64_t step = 0; step < config.train.steps; ++step) {
    for (int64_t i = 0; i < config.train.batch * config.train.accumulate; ++i) {
      const Sample sample = draws_->at(step, i);
      if (sample.captioned && sample.silent) silent_[{sample.item, sample.given}];
    }
  }
}

bool SetFeed::apart(const panels::Layout& layout) const {
  return config_.method == run::Method::gdt && layout.boxes.size() > 1;
}

bool SetFeed::panels_alone(const panels::Layout& layout) const {
  return apart(layout) || config_.train.conditional > 0;
}

std::vector<std::string> SetFeed::captions_of(const dataset::Item& item,
                                              const std::vector<int64_t>& silent) const {
  if (silent.empty() && !apart(item.layout)) return {item.caption};
  const dataset::Set set = dataset::told_without(sets_[item.set], silent);
  if (!apart(item.layout)) return {dataset::joint_caption(set, item.layout.grid, options_)};
  return dataset::panel_captions(set, item.layout.boxes.size(), options_);
}

std::vector<std::string> SetFeed::caption_keys(const Sample& sample) const {
  const Keys& keys = training_[sample.item];
  // A set is trained without a caption as a whole.
  if (!sample.captioned) return std::vector<std::string>(keys.captions.size(), no_caption_);
  return sample.silent ? silent_.at({sample.item, sample.given}) : keys.captions;
}

at::ScalarType SetFeed::dtype() const {
  return config_.train.dtype == run::Precision::bf16 ? at::kBFloat16 : at::kFloat;
}

uint64_t SetFeed::cache_bytes(const sampling::OpenModel& model) const {
  const auto channels = static_cast<uint64_t>(model.configs.vae.latent_channels);
  const auto text = static_cast<uint64_t>(sampling::default_text_length(model)) *
                    static_cast<uint64_t>(model.configs.t5.d_model) * at::elementSize(dtype());
  uint64_t bytes = text;
  for (const auto* items : {&plan_.training, &plan_.validation}) {
    for (const dataset::Item& item : *items) {
      const auto pixels = static_cast<uint64_t>(item.layout.width * item.layout.height);
      const uint64_t times = panels_alone(item.layout) && !apart(item.layout) ? 2 : 1;
      bytes += pixels / 64 * channels * sizeof(float) * times + text * captions_of(item).size();
    }
  }
  for (const auto& [sample, keys] : silent_) {
    bytes += text * captions_of(plan_.training[sample.first], sample.second).size();
  }
  return bytes;
}

void SetFeed::warn_of_long_captions(const sampling::OpenModel& model) const {
  const int64_t limit = sampling::default_text_length(model);
  const captions::CountTokens count = sampling::token_counter(model);
  std::set<std::string> seen;
  for (const auto* items : {&plan_.training, &plan_.validation}) {
    for (const dataset::Item& item : *items) {
      for (const std::string& caption : captions_of(item)) {
        if (!seen.insert(caption).second) continue;
        const std::string lost = captions::lost_end(caption, limit, count);
        if (lost.empty()) continue;
        log::warning(
            "Set '{}': the caption has {} tokens, but the text encoder reads {}: {}; shorten "
            "it.",
            printable(sets_[item.set].id), count(caption), limit, lost);
      }
    }
  }
}

void SetFeed::encode(const sampling::OpenModel& model, Progress& progress) {
  warn_of_long_captions(model);
  std::vector<PictureToEncode> pictures;
  std::vector<std::string> captions = {""};
  const auto add = [&](const dataset::Item& item) {
    const dataset::Set& set = sets_[item.set];
    if (!apart(item.layout)) {
      pictures.push_back({dataset::canvas_key(set, item, options_.fit), [this, item, &set] {
                            return dataset::load_set(set, item, options_.fit).canvas;
                          }});
    }
    for (size_t panel = 0; panels_alone(item.layout) && panel < item.layout.boxes.size(); ++panel) {
      pictures.push_back(
          {dataset::panel_key(set, item, options_.fit, panel + 1), [this, item, panel, &set] {
             return dataset::load_set(set, item, options_.fit).panels[panel];
           }});
    }
    for (const std::string& caption : captions_of(item)) captions.push_back(caption);
  };
  for (const dataset::Item& item : plan_.training) add(item);
  for (const dataset::Item& item : plan_.validation) add(item);
  for (const auto& [sample, keys] : silent_) {
    for (const auto& caption : captions_of(plan_.training[sample.first], sample.second)) {
      captions.push_back(caption);
    }
  }

  const auto picture_keys = encode_pictures(model, pictures, cache_, progress);
  const auto caption_keys = encode_captions(model, captions, sampling::default_text_length(model),
                                            dtype(), cache_, progress);
  no_caption_ = caption_keys[0];
  size_t next_picture = 0;
  size_t next_caption = 1;
  const auto take_captions = [&](size_t count) {
    const auto begin = caption_keys.begin() + static_cast<std::ptrdiff_t>(next_caption);
    next_caption += count;
    return std::vector<std::string>(begin, begin + static_cast<std::ptrdiff_t>(count));
  };
  const auto take = [&](const dataset::Item& item) {
    Keys keys;
    if (!apart(item.layout)) keys.canvas = picture_keys[next_picture++];
    for (size_t panel = 0; panels_alone(item.layout) && panel < item.layout.boxes.size(); ++panel) {
      keys.panels.push_back(picture_keys[next_picture++]);
    }
    keys.captions = take_captions(captions_of(item).size());
    return keys;
  };
  for (const dataset::Item& item : plan_.training) training_.push_back(take(item));
  for (const dataset::Item& item : plan_.validation) validation_.push_back(take(item));
  for (auto& [sample, keys] : silent_) {
    keys = take_captions(captions_of(plan_.training[sample.first], sample.second).size());
  }
}

const NamedTensors& SetFeed::load(const std::string& key) {
  const auto found = in_memory_.find(key);
  if (found != in_memory_.end()) return found->second;
  last_loaded_ = cache_.load(key);
  const uint64_t bytes = bytes_of(last_loaded_);
  if (bytes_in_memory_ + bytes > kBytesInMemory) return last_loaded_;
  bytes_in_memory_ += bytes;
  return in_memory_[key] = std::move(last_loaded_);
}

at::Tensor SetFeed::canvas_latents(const Keys& keys, const panels::Layout& layout,
                                   const std::vector<int64_t>& given) {
  at::Tensor latents;
  std::vector<int64_t> alone = given;
  if (apart(layout)) {
    // Nobody sees what lies between panels that are sequences of their own.
    const int64_t channels = load(keys.panels[0]).at("latents").size(0);
    latents = at::zeros(
        {channels, layout.height / kPixelsPerLatent, layout.width / kPixelsPerLatent}, at::kFloat);
    alone = all_panels(layout);
  } else {
    latents = load(keys.canvas).at("latents");
    if (given.empty()) return latents;
    latents = latents.clone();
  }
  for (const int64_t number : alone) {
    const auto index = static_cast<size_t>(number - 1);
    const panels::Box box = latent_box(layout.boxes[index]);
    latents.slice(1, box.y, box.y + box.height)
        .slice(2, box.x, box.x + box.width)
        .copy_(load(keys.panels[index]).at("latents"));
  }
  return latents;
}

NamedTensors SetFeed::text_of(const std::vector<std::string>& captions) {
  if (captions.size() == 1) return load(captions[0]);
  std::vector<at::Tensor> t5, clip;
  t5.reserve(captions.size());
  clip.reserve(captions.size());
  for (const std::string& caption : captions) {
    const NamedTensors& text = load(caption);
    t5.push_back(text.at("t5"));
    clip.push_back(text.at("clip"));
  }
  return {{"t5", at::cat(t5)}, {"clip", at::stack(clip)}};
}

MicroBatch SetFeed::batch(int64_t step, int64_t micro) {
  const run::TrainConfig& train = config_.train;
  const panels::Layout& layout = plan_.buckets[draws_->bucket(step)].layout;
  std::vector<at::Tensor> latents, t5, clip, noise, t, given, counted;
  bool any_given = false;
  for (int64_t i = 0; i < train.batch; ++i) {
    const Place place{train.seed, step, micro * train.batch + i};
    const Sample sample = draws_->at(step, place.position);
    latents.push_back(canvas_latents(training_[sample.item], layout, sample.given));
    noise.push_back(draw_noise(place, latents[0].size(0), latents[0].size(1), latents[0].size(2)));
    t.push_back(at::full({}, draw_timestep(place, train.timesteps), at::kFloat));
    const NamedTensors text = text_of(caption_keys(sample));
    t5.push_back(text.at("t5"));
    clip.push_back(text.at("clip"));
    any_given = any_given || !sample.given.empty();
    given.push_back(latent_mask(layout, sample.given));
    counted.push_back(latent_mask(layout, all_panels(layout)));
  }
  MicroBatch batch = {
      at::stack(latents), at::stack(t5), at::stack(clip), at::stack(noise), at::stack(t), {}, {}};
  if (any_given) batch.given = at::stack(given);
  if (has_gutters(layout)) batch.counted = at::stack(counted);
  batch.panels = sampling::panel_sequences(method_of(config_), layout);
  return batch;
}

std::string SetFeed::fingerprint() const {
  Sha256 hash;
  const auto add = [&](const Keys& keys) {
    hash.update(keys.canvas + "\n");
    for (const std::string& panel : keys.panels) hash.update(panel + "\n");
    for (const std::string& caption : keys.captions) hash.update(caption + "\n");
    hash.update("\n");
  };
  for (const Keys& keys : training_) add(keys);
  hash.update("held out\n");
  for (const Keys& keys : validation_) add(keys);
  return hash.hex();
}

std::vector<SetFeed::HeldOut> SetFeed::held_out() {
  std::vector<HeldOut> out;
  for (size_t i = 0; i < validation_.size(); ++i) {
    const dataset::Item& item = plan_.validation[i];
    const NamedTensors text = text_of(validation_[i].captions);
    MicroBatch sample;
    sample.latents = canvas_latents(validation_[i], item.layout, {}).unsqueeze(0);
    sample.t5 = text.at("t5").unsqueeze(0);
    sample.clip = text.at("clip").unsqueeze(0);
    sample.panels = sampling::panel_sequences(method_of(config_), item.layout);
    out.push_back({sets_[item.set].id, item.layout, sample});
  }
  return out;
}

}  // namespace iclora::train
