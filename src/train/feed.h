#pragma once
// Where a training's micro-batches come from.

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/progress.h"
#include "dataset/load.h"
#include "dataset/plan.h"
#include "run/config.h"
#include "sampling/method.h"
#include "sampling/model.h"
#include "train/encoding_cache.h"
#include "train/micro_batch.h"
#include "train/replay.h"
#include "train/sample_draws.h"

namespace iclora::train {

class Feed {
 public:
  virtual ~Feed() = default;
  /// Micro-batch `micro` of optimizer step `step`, both from 0.
  virtual MicroBatch batch(int64_t step, int64_t micro) = 0;
};

/// Micro-batches of a file, in order.
class ReplayFeed final : public Feed {
 public:
  /// Reads what the steps need, all of it once. Errors (exit 2): fewer than `steps` * `accumulate`,
  /// values that cannot be trained on.
  ReplayFeed(Replay replay, int64_t steps, int64_t accumulate);
  MicroBatch batch(int64_t step, int64_t micro) override;

 private:
  Replay replay_;
  int64_t accumulate_;
};

/// Micro-batches of a data set, out of the cache of encodings.
class SetFeed final : public Feed {
 public:
  /// Reads the sets and plans what is trained on; no pixels yet. `first`: only so many of the sets,
  /// in the data set's order. Errors (exit 2), also where there are fewer.
  SetFeed(const run::Config& config, EncodingCache cache, std::optional<int64_t> first = {});
  /// Bytes that `encode` stores at most.
  uint64_t cache_bytes(const sampling::OpenModel& model) const;
  /// Encodes what the cache has not yet, before the first batch; the encoders have left memory when
  /// this returns.
  void encode(const sampling::OpenModel& model, Progress& progress);
  MicroBatch batch(int64_t step, int64_t micro) override;
  /// A hash of all that is trained on and held out, pictures, captions and their order. After
  /// encode().
  std::string fingerprint() const;

  /// A held-out set at one resolution, whole: what validation is measured on.
  struct HeldOut {
    std::string id;
    panels::Layout layout;
    MicroBatch sample;  ///< of one; noise and t are not set
  };
  std::vector<HeldOut> held_out();

  const std::vector<dataset::Set>& sets() const { return sets_; }
  const dataset::Plan& plan() const { return plan_; }

 private:
  /// The cache's keys of one item.
  struct Keys {
    std::string canvas;                 ///< under canvas
    std::vector<std::string> panels;    ///< each alone; under gdt, and for conditional training
    std::vector<std::string> captions;  ///< of `captions_of`
  };
  /// Whether the panels of a layout are sequences of their own, and encoded alone.
  bool apart(const panels::Layout& layout) const;
  /// Whether panels are encoded alone, beside the canvas or in its place.
  bool panels_alone(const panels::Layout& layout) const;
  /// What the text encoders read of an item: the joint caption, or one a panel (gdt); nothing is
  /// said of the panels `silent`.
  std::vector<std::string> captions_of(const dataset::Item& item,
                                       const std::vector<int64_t>& silent = {}) const;
  /// The cache's keys of a sample's captions.
  std::vector<std::string> caption_keys(const Sample& sample) const;
  /// What does not fit the text encoder is cut off, which must be known.
  void warn_of_long_captions(const sampling::OpenModel& model) const;
  at::ScalarType dtype() const;
  const NamedTensors& load(const std::string& key);
  at::Tensor canvas_latents(const Keys& keys, const panels::Layout& layout,
                            const std::vector<int64_t>& given);
  /// `t5` and `clip` as a micro-batch has them, of one sample.
  NamedTensors text_of(const std::vector<std::string>& captions);

  run::Config config_;
  EncodingCache cache_;
  std::vector<dataset::Set> sets_;
  dataset::DataOptions options_;
  dataset::Plan plan_;
  std::vector<Keys> training_, validation_;
  std::string no_caption_;
  /// The keys of the captions that leave given panels out, by item and panels: of those that the
  /// training will meet, which is known before it begins.
  std::map<std::pair<size_t, std::vector<int64_t>>, std::vector<std::string>> silent_;
  std::optional<SampleDraws> draws_;
  std::map<std::string, NamedTensors> in_memory_;
  uint64_t bytes_in_memory_ = 0;
  NamedTensors last_loaded_;
};

/// The `data` section as the data set's own options.
dataset::DataOptions data_options(const run::DataConfig& data, int64_t sets);

/// The configuration's method in the words of sampling.
sampling::Method method_of(const run::Config& config);

/// bool [h, w] in latent pixels: true inside the panels `numbers` (from 1).
at::Tensor latent_mask(const panels::Layout& layout, const std::vector<int64_t>& numbers);
/// 1 to the number of panels.
std::vector<int64_t> all_panels(const panels::Layout& layout);

}  // namespace iclora::train
