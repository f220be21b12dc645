#include "pretrain/transformer_stage.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <cmath>

#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "flux/latents.h"
#include "pretrain/graph.h"
#include "pretrain/guidance.h"
#include "pretrain/latents.h"
#include "pretrain/stage.h"
#include "train/draws.h"
#include "train/objective.h"

namespace iclora::pretrain {
namespace {

using Purpose = StepDraws::Purpose;
using LatentsOf = std::map<const Shard*, at::Tensor>;

/// Heads behind the double blocks and behind half of the single blocks.
struct Heads {
  std::vector<size_t> taps;
  std::vector<at::Tensor> weights;  ///< fp32 [classes, width] each
  nn::Slot first_slot = nn::kFrozen;
};

/// What one step, or one measurement, works on.
struct Batch {
  Samples samples;
  at::Tensor latents;   ///< fp32 [B, C, h, w]
  at::Tensor noise;     ///< of the latents' shape
  at::Tensor t;         ///< fp32 [B]
  at::Tensor guidance;  ///< fp32 [B]; 1 where the data are the target, above where the teacher is
};

at::Tensor rows(const at::Tensor& x, int64_t begin, int64_t end) {
  return x.slice(0, begin, end).contiguous();
}

Batch batch_of(Samples samples, const at::Tensor& latents, uint64_t seed, int64_t step) {
  const auto index = at::tensor(samples.drawings, at::kLong);
  Batch batch = {std::move(samples), latents.index_select(0, index).to(at::kFloat), {}, {}, {}};
  std::vector<at::Tensor> noise;
  std::vector<float> t;
  for (int64_t i = 0; i < batch.samples.size(); ++i) {
    const train::Place place = {seed, step, i};
    noise.push_back(train::draw_noise(place, latents.size(1), latents.size(2), latents.size(3)));
    t.push_back(train::draw_timestep(place, {}));
  }
  batch.noise = at::stack(noise);
  batch.t = at::tensor(t, at::kFloat);
  batch.guidance = at::ones_like(batch.t);
  return batch;
}

at::Tensor draw_guidance(int64_t count, const Phase& phase, const StepDraws& draws) {
  std::vector<float> guidance;
  for (int64_t i = 0; i < count; ++i) {
    const bool distilled = draws.uniform(Purpose::distilled, i) < phase.distilled;
    const double more = draws.uniform(Purpose::guidance, i) * (phase.most_guidance - 1);
    guidance.push_back(distilled ? static_cast<float>(1 + more) : 1.0F);
  }
  return at::tensor(guidance, at::kFloat);
}

/// Image tokens [B, h/2 * w/2, D] averaged over each panel: fp32 [B, P, D].
at::Tensor panel_means(const at::Tensor& tokens, const panels::Grid& grid, int64_t h, int64_t w) {
  return tokens.to(at::kFloat)
      .view({tokens.size(0), grid.rows, h / 2 / grid.rows, grid.columns, w / 2 / grid.columns,
             tokens.size(2)})
      .mean(at::IntArrayRef{2, 4})
      .flatten(1, 2);
}

/// The way back of panel_means.
at::Tensor panel_means_backward(const at::Tensor& dmeans, const panels::Grid& grid, int64_t h,
                                int64_t w, at::ScalarType dtype) {
  const int64_t tall = h / 2 / grid.rows;
  const int64_t wide = w / 2 / grid.columns;
  return (dmeans / static_cast<double>(tall * wide))
      .to(dtype)
      .unflatten(1, {grid.rows, 1, grid.columns, 1})
      .expand({-1, -1, tall, -1, wide, -1})
      .reshape({dmeans.size(0), h / 2 * (w / 2), dmeans.size(2)});
}

/// One part of a step's batch: forward, backward.
class PartStep {
 public:
  PartStep(const flux::Transformer& transformer, const flux::Transformer& teacher,
           const TransformerParts& parts, const Heads& heads, const Classes& classes,
           const SampleSettings& settings)
      : transformer_(transformer),
        teacher_(teacher),
        parts_(parts),
        heads_(heads),
        classes_(classes),
        settings_(settings) {}

  /// Adds the gradients of rows [begin, end) of the batch's mean loss, returns their share of the
  /// denoising loss.
  double operator()(const Batch& batch, int64_t begin, int64_t end, double head_weight,
                    nn::Gradients& gradients) const {
    const int64_t h = batch.latents.size(2);
    const int64_t w = batch.latents.size(3);
    train::MicroBatch samples;
    samples.latents = rows(batch.latents, begin, end);
    samples.noise = rows(batch.noise, begin, end);
    samples.t = rows(batch.t, begin, end);
    flux::TransformerSaved saved;
    if (head_weight > 0) saved.taps = heads_.taps;
    const flux::Context context = this->context(batch, begin, end);
    flux::Query query = this->query(samples);
    const at::Tensor guidance = rows(batch.guidance, begin, end);
    const at::Tensor target = this->target(samples, query, context, guidance);
    query.guidance = guidance;
    const at::Tensor velocity =
        flux::transformer_training_forward(transformer_, query, context, saved);
    const train::Loss loss = train::target_loss(samples, flux::unpack_latents(velocity, h, w),
                                                target, batch.latents.numel());
    if (head_weight > 0) {
      const double all = static_cast<double>(std::max<int64_t>(1, told(batch.samples.targets)));
      const at::Tensor targets = rows(batch.samples.targets, begin, end).flatten(0, 1);
      for (size_t k = 0; k < heads_.taps.size(); ++k) {
        const auto& grid = batch.samples.shard->grid;
        const at::Tensor features = leaf_of(panel_means(saved.tapped[k], grid, h, w));
        const at::Tensor weight = leaf_of(heads_.weights[k]);
        const GraphResult result = run_graph({features, weight}, [&] {
          return column_loss(at::linear(features.flatten(0, 1), weight), targets, classes_.sizes) *
                 (head_weight / all);
        });
        saved.tap_gradients.push_back(
            panel_means_backward(result.gradients[0], grid, h, w, saved.tapped[k].scalar_type()));
        gradients.add(heads_.first_slot + static_cast<nn::Slot>(k), result.gradients[1]);
      }
      saved.tapped.clear();
    }
    flux::transformer_backward(transformer_, saved, context,
                               flux::pack_latents(loss.dvelocity).to(velocity.scalar_type()),
                               gradients);
    return loss.sum / static_cast<double>(batch.latents.numel());
  }

  /// Mean squared error of rows [begin, end), without gradients.
  double error(const Batch& batch, int64_t begin, int64_t end) const {
    train::MicroBatch samples;
    samples.latents = rows(batch.latents, begin, end);
    samples.noise = rows(batch.noise, begin, end);
    samples.t = rows(batch.t, begin, end);
    const at::Tensor velocity =
        flux::transformer_forward(transformer_, query(samples), context(batch, begin, end));
    const at::Tensor error =
        flux::unpack_latents(velocity, batch.latents.size(2), batch.latents.size(3))
            .to(at::kFloat) -
        (samples.noise - samples.latents);
    return error.square().sum().item<double>() / static_cast<double>(batch.latents.numel());
  }

 private:
  flux::Context context(const Batch& batch, int64_t begin, int64_t end) const {
    const at::Tensor t5 = rows(batch.samples.t5, begin, end);
    return {text::t5_forward(parts_.texts.t5, t5),
            text::clip_forward(parts_.texts.clip, rows(batch.samples.clip, begin, end)).pooled,
            flux::canvas_rope(transformer_.config, t5.size(1), batch.latents.size(2),
                              batch.latents.size(3))};
  }

  /// The velocities to learn: noise - image, and where guidance is above 1 what classifier-free
  /// guidance makes of the teacher's velocities at guidance 1. fp32 [B, C, h, w]
  at::Tensor target(const train::MicroBatch& samples, const flux::Query& query,
                    const flux::Context& context, const at::Tensor& guidance) const {
    at::Tensor target = samples.noise - samples.latents;
    const at::Tensor index = guidance.gt(1).nonzero().flatten();
    const int64_t count = index.numel();
    if (count == 0) return target;
    const EmptyText empty = empty_text(settings_, context.text.size(1));
    const at::Tensor text = text::t5_forward(parts_.texts.t5, empty.t5);
    const at::Tensor pooled = text::clip_forward(parts_.texts.clip, empty.clip).pooled;
    const at::Tensor velocity = guided_velocity(
        teacher_,
        {query.latents.index_select(0, index),
         query.timestep.index_select(0, index),
         query.guidance.index_select(0, index),
         {}},
        {context.text.index_select(0, index), context.pooled.index_select(0, index), context.rope},
        {text.expand({count, -1, -1}).contiguous(), pooled.expand({count, -1}).contiguous(),
         context.rope},
        guidance.index_select(0, index));
    return target.index_copy_(0, index,
                              flux::unpack_latents(velocity, target.size(2), target.size(3)));
  }

  static flux::Query query(const train::MicroBatch& samples) {
    flux::Query query;
    query.latents = flux::pack_latents(train::noisy_latents(samples));
    query.timestep = samples.t;
    query.guidance = at::ones_like(samples.t);
    return query;
  }

  const flux::Transformer& transformer_;
  const flux::Transformer& teacher_;
  const TransformerParts& parts_;
  const Heads& heads_;
  const Classes& classes_;
  const SampleSettings& settings_;
};

LatentsOf read_latents(const Packs& packs, const TransformerParts& parts, Progress& progress) {
  LatentsOf latents;
  for (const auto& [path, pack] : packs.all()) {
    for (const Shard& shard : pack.shards) {
      latents[&shard] =
          shard_latents(pack, shard, parts.encoder, parts.encoder_sha256, parts.latents, progress);
    }
  }
  return latents;
}

}  // namespace

void zero_modulations(flux::Transformer& transformer) {
  flux::for_each_linear(transformer, [](nn::Linear& layer) {
    const bool modulation = layer.name.find("norm") != std::string::npos;
    if (!modulation && layer.name != "proj_out") return;
    layer.weight = at::zeros_like(layer.weight);
    layer.bias = at::zeros_like(layer.bias);
  });
}

namespace {

/// One of the two stages: its name, its number among all, and who teaches guidance.
struct Lesson {
  const char* name;
  uint64_t number;
  const flux::Transformer& teacher;
};

void train_stage(const Lesson& lesson, flux::Transformer& transformer,
                 const TransformerParts& parts, const StageRecipe& recipe, uint64_t seed,
                 const std::filesystem::path& folder, const SaveFunction& save,
                 Progress& progress) {
  const Packs packs(recipe, &parts.t5, &parts.clip);
  const Classes& classes = packs.classes();
  train::TrainedTensors trained = train::train_every_weight(transformer);
  Heads heads;
  heads.taps = {0, transformer.single_transformer_blocks.size() / 2};
  heads.first_slot = static_cast<nn::Slot>(trained.size());
  for (size_t k = 0; k < heads.taps.size(); ++k) {
    heads.weights.push_back(at::zeros({classes.total(), transformer.config.width()}, at::kFloat));
  }
  for (size_t k = 0; k < heads.taps.size(); ++k) {
    at::Tensor* place = &heads.weights[k];
    trained.push_back(
        {fmt::format("head:{}", k), place->clone(), [=]() -> at::Tensor& { return *place; }});
  }
  Stage stage(lesson.name, folder, recipe, trained, progress);
  if (stage.finished()) {
    train::put_into_layers(trained, stage.result());
    return;
  }
  const LatentsOf latents = read_latents(packs, parts, progress);
  SampleSettings settings = sample_settings(parts.t5, parts.clip);
  const PartStep part_step(transformer, lesson.teacher, parts, heads, classes, settings);

  const auto step = [&](int64_t number, nn::Gradients& gradients) {
    const Phase& phase = recipe.phase(number);
    const StepDraws draws(seed, lesson.number, number);
    const Shard& shard = packs.draw_shard(phase, draws);
    settings.full_text = draws.uniform(Purpose::length, 0) < phase.full_text;
    settings.dropout = phase.caption_dropout;
    const int64_t count = std::max<int64_t>(1, phase.batch / shard.panels());
    Batch batch =
        batch_of(draw_samples(shard, count, settings, draws), latents.at(&shard), seed, number);
    batch.guidance = draw_guidance(count, phase, draws);
    const int64_t shards = std::min(recipe.shards, count);
    struct Part {
      double loss = 0;
      nn::Gradients gradients{0};
    };
    std::vector<Part> results(static_cast<size_t>(train::shard_workers(shards)));
    double loss = 0;
    train::for_shards(
        shards,
        [&](int64_t piece, int64_t worker) {
          Part& part = results[static_cast<size_t>(worker)];
          part.gradients = nn::Gradients(trained.size());
          part.loss = part_step(batch, piece * count / shards, (piece + 1) * count / shards,
                                phase.head_weight, part.gradients);
        },
        [&](int64_t, int64_t worker) {
          Part& part = results[static_cast<size_t>(worker)];
          loss += part.loss;
          gradients.add(part.gradients);
        });
    return loss;
  };
  const auto measure = [&]() -> Json {
    SampleSettings whole = settings;
    whole.full_text = true;
    double sum = 0;
    double count = 0;
    for (const Shard& shard : packs.held_out().shards) {
      const Batch batch = batch_of(samples_in_order(shard, 0, 256 / shard.panels(), whole),
                                   latents.at(&shard), 0, 0);
      for (int64_t i = 0; i < batch.samples.size(); i += 32) {
        sum += part_step.error(batch, i, std::min(i + 32, batch.samples.size()));
      }
      count += 1;
    }
    return {{"held_out_loss", std::round(sum / count * 1e5) / 1e5}};
  };
  stage.run(recipe.steps(), step, measure, [&] { save(trained, stage.result()); });
  train::put_into_layers(trained, stage.result());
}

/// A resumed stage must go on with the teacher it was begun with.
void check_teacher(flux::Transformer& teacher, const std::filesystem::path& folder) {
  Sha256 hash;
  for (const train::TrainedTensor& tensor : train::train_every_weight(teacher)) {
    const at::Tensor values = tensor.master.contiguous();
    hash.update(
        std::string_view(static_cast<const char*>(values.const_data_ptr()), values.nbytes()));
  }
  const std::filesystem::path note = folder / "teacher.json";
  const Json mine = {{"sha256", hash.hex()}};
  std::error_code ignored;
  if (!std::filesystem::exists(note, ignored)) {
    create_folders(folder);
    write_file(note, mine.dump() + "\n");
  } else if (read_json(note) != mine) {
    fail_input(
        "'{}' was begun with another transformer than the one trained now; remove the folder to "
        "distil the new one.",
        printable(folder.native(), 400));
  }
}

}  // namespace

void train_transformer(flux::Transformer& transformer, const TransformerParts& parts,
                       const StageRecipe& recipe, uint64_t seed,
                       const std::filesystem::path& folder, const SaveFunction& save,
                       Progress& progress) {
  train_stage({"transformer", 2, transformer}, transformer, parts, recipe, seed, folder, save,
              progress);
}

void train_guidance(flux::Transformer& transformer, const TransformerParts& parts,
                    const StageRecipe& recipe, uint64_t seed, const std::filesystem::path& folder,
                    const SaveFunction& save, Progress& progress) {
  if (!transformer.config.guidance_embeds) {
    fail_input(
        "the recipe has a stage 'guidance', but a model without guidance embedding cannot learn "
        "it; set 'guidance_embeds' in its sizes, or leave the stage out.");
  }
  // Training puts new tensors into the layers and changes none: the copy keeps the old ones.
  flux::Transformer teacher = transformer;
  check_teacher(teacher, folder);
  train_stage({"guidance", 3, teacher}, transformer, parts, recipe, seed, folder, save, progress);
}

}  // namespace iclora::pretrain
