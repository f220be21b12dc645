#include "pretrain/text_stage.h"

#include <ATen/ATen.h>

#include <cmath>

#include "pretrain/graph.h"
#include "pretrain/stage.h"
#include "runtime/file_weights.h"
#include "text/weights.h"

namespace iclora::pretrain {
namespace {

const ForEachWeight<TextEncoders> kWeights = [](TextEncoders& encoders, const auto& visit) {
  text::for_each_weight(encoders.t5, [&](const std::string& name, at::Tensor& weight) {
    visit("t5:" + name, weight);
  });
  text::for_each_weight(encoders.clip, [&](const std::string& name, at::Tensor& weight) {
    visit("clip:" + name, weight);
  });
  visit("head:t5", encoders.t5_head);
  visit("head:clip", encoders.clip_head);
};

struct Read {
  at::Tensor logits;   ///< [M, sum of sizes]
  at::Tensor targets;  ///< [M, columns]
  at::Tensor weights;  ///< [M]; undefined: all 1
  std::vector<int64_t> sizes;
};

/// One row a token of a part, or behind the last part. The tokens of a part weigh 1 together, and
/// so do those behind.
Read read_t5(const TextEncoders& encoders, const Samples& samples, const Classes& classes) {
  const auto grid = samples.shard->grid;
  const int64_t length = samples.parts.size(2);
  const at::Tensor in_part = samples.parts.gt(0);                            // [B, P, L]
  const at::Tensor behind = in_part.any(1).flip(1).cumsum(1).flip(1).eq(0);  // [B, L]
  const at::Tensor none = behind.to(at::kFloat);
  const at::Tensor weights =
      samples.parts.sum(1) + none / none.sum(1, /*keepdim=*/true).clamp_min(1);  // [B, L]
  const at::Tensor panel = in_part.to(at::kLong).argmax(1);                      // [B, L]
  const auto last = at::full({}, kPlaces - 1, at::kLong);
  const at::Tensor row = at::where(behind, last, at::floor_divide(panel, grid.columns));
  const at::Tensor column = at::where(behind, last, at::remainder(panel, grid.columns));
  const at::Tensor told = samples.targets.gather(
      1, panel.unsqueeze(-1).expand({-1, length, samples.targets.size(2)}));  // [B, L, C]
  const at::Tensor targets =
      at::cat({at::where(behind.unsqueeze(-1), at::full({}, kUntold, at::kLong), told),
               row.unsqueeze(-1), column.unsqueeze(-1)},
              -1);
  const at::Tensor rows = weights.flatten().nonzero().flatten();
  const at::Tensor hidden = text::t5_forward(encoders.t5, samples.t5).to(at::kFloat);
  Read read = {at::linear(hidden.flatten(0, 1).index_select(0, rows), encoders.t5_head),
               targets.flatten(0, 1).index_select(0, rows), weights.flatten().index_select(0, rows),
               classes.sizes};
  read.sizes.insert(read.sizes.end(), {kPlaces, kPlaces});
  return read;
}

Read read_clip(const TextEncoders& encoders, const Samples& samples, const Classes& classes) {
  const int64_t panels = samples.targets.size(1);
  const at::Tensor pooled = text::clip_forward(encoders.clip, samples.clip).pooled;
  const at::Tensor logits = at::linear(pooled.to(at::kFloat), encoders.clip_head)
                                .unflatten(-1, {kPooledPanels, classes.total()})
                                .slice(1, 0, panels);
  return {logits.flatten(0, 1), samples.targets.flatten(0, 1), {}, classes.sizes};
}

Samples rows_of(const Samples& samples, int64_t begin, int64_t end) {
  Samples out = samples;
  for (at::Tensor* tensor : {&out.t5, &out.clip, &out.parts, &out.targets}) {
    *tensor = tensor->slice(0, begin, end).contiguous();
  }
  return out;
}

at::Tensor mean_loss(const Read& read, int64_t all_told) {
  return column_loss(read.logits, read.targets, read.sizes, read.weights) /
         static_cast<double>(all_told);
}

/// Mean over columns of the share of panels (T5: of tokens) read right, on the first drawings of
/// each shard; and the places among them alone.
Json accuracy(const TextEncoders& encoders, const Pack& pack, const SampleSettings& settings) {
  std::map<std::string, std::pair<double, int64_t>> sums;
  for (const Shard& shard : pack.shards) {
    const Samples samples = samples_in_order(shard, 0, 256, settings);
    const auto add = [&](const char* name, const Read& read) {
      const std::vector<double> shares = column_accuracy(read.logits, read.targets, read.sizes);
      for (size_t c = 0; c < shares.size(); ++c) {
        if (std::isnan(shares[c])) continue;
        auto& sum = sums[c < pack.classes.sizes.size() ? name : "place"];
        sum.first += shares[c];
        ++sum.second;
      }
    };
    add("t5", read_t5(encoders, samples, pack.classes));
    if (shard.panels() <= kPooledPanels) add("clip", read_clip(encoders, samples, pack.classes));
  }
  Json json = Json::object();
  for (const auto& [name, sum] : sums) {
    json[name] = std::round(1e4 * sum.first / static_cast<double>(sum.second)) / 1e4;
  }
  return json;
}

}  // namespace

TextEncoders load_text_encoders(const std::filesystem::path& t5_folder,
                                const text::T5Config& t5_config,
                                const std::filesystem::path& clip_folder,
                                const text::ClipConfig& clip_config, const Classes& classes,
                                at::ScalarType dtype) {
  runtime::FileWeights t5(weights::Checkpoint::open(t5_folder));
  // Transformers 5 saves CLIP without the prefix.
  runtime::FileWeights clip(weights::Checkpoint::open(clip_folder), {{"text_model.", ""}});
  const auto zeros = [&](int64_t rows, int64_t columns) {
    return at::zeros({rows, columns}, at::kFloat);
  };
  return {text::load_t5(t5, t5_config, dtype), text::load_clip(clip, clip_config, dtype),
          zeros(classes.total() + 2 * kPlaces, t5_config.d_model),
          zeros(kPooledPanels * classes.total(), clip_config.hidden_size)};
}

SampleSettings sample_settings(const tokenizers::T5Tokenizer& t5,
                               const tokenizers::ClipTokenizer& clip) {
  SampleSettings settings;
  settings.text_length = t5.model_max_length();
  settings.t5_empty = t5.encode("");
  settings.clip_empty = clip.encode("");
  settings.clip_end = settings.clip_empty.back();
  return settings;
}

void train_text_encoders(TextEncoders& encoders, const StageRecipe& recipe, uint64_t seed,
                         const tokenizers::T5Tokenizer& t5, const tokenizers::ClipTokenizer& clip,
                         const std::filesystem::path& folder, const SaveFunction& save,
                         Progress& progress) {
  const train::TrainedTensors trained = train_all(encoders, kWeights, at::kFloat);
  Stage stage("texts", folder, recipe, trained, progress);
  if (stage.finished()) {
    train::put_into_layers(trained, stage.result());
    return;
  }
  const Packs packs(recipe, &t5, &clip);
  const Classes& classes = packs.classes();
  SampleSettings settings = sample_settings(t5, clip);
  const auto step = [&](int64_t number, nn::Gradients& gradients) {
    const Phase& phase = recipe.phase(number);
    const StepDraws draws(seed, 1, number);
    const Shard& shard = packs.draw_shard(phase, draws);
    settings.full_text = draws.uniform(StepDraws::Purpose::length, 0) < phase.full_text;
    const int64_t count = std::max<int64_t>(1, phase.batch / shard.panels());
    const Samples samples = draw_samples(shard, count, settings, draws);
    const bool pooled = shard.panels() <= kPooledPanels;
    const int64_t all = std::max<int64_t>(1, told(samples.targets));
    const int64_t shards = std::min(recipe.shards, count);
    const std::function<at::Tensor(const TextEncoders&, int64_t)> loss =
        [&](const TextEncoders& copy, int64_t part) {
          const Samples mine = rows_of(samples, part * count / shards, (part + 1) * count / shards);
          at::Tensor sum = mean_loss(read_t5(copy, mine, classes), all);
          if (pooled) sum = sum + mean_loss(read_clip(copy, mine, classes), all);
          return sum;
        };
    return graph_step(encoders, kWeights, shards, loss, gradients);
  };
  SampleSettings measured = settings;
  measured.full_text = true;
  stage.run(
      recipe.steps(), step, [&] { return accuracy(encoders, packs.held_out(), measured); },
      [&] { save(trained, stage.result()); });
  train::put_into_layers(trained, stage.result());
}

}  // namespace iclora::pretrain
