#include "train/replay.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>

#include <set>

#include "core/error.h"
#include "runtime/file_weights.h"
#include "sampling/method.h"
#include "train/feed.h"
#include "train/objective.h"

namespace iclora::train {
namespace {

using Shape = std::vector<int64_t>;

const Shape& shape_of(const weights::Checkpoint& checkpoint, const std::string& name,
                      const std::string& origin) {
  const weights::StoredTensor* stored = checkpoint.find(name);
  if (stored == nullptr) fail_input("{} has no tensor '{}'.", origin, name);
  if (stored->dtype != weights::Dtype::f32) {
    fail_input("{}: '{}' is {}, but a replay file holds F32 alone.", origin, name,
               weights::name_of(stored->dtype));
  }
  return stored->shape;
}

void expect_shape(const weights::Checkpoint& checkpoint, const std::string& name,
                  const Shape& expected, const std::string& origin) {
  const Shape& found = shape_of(checkpoint, name, origin);
  if (found != expected) {
    fail_input("{}: '{}' has the shape [{}], expected [{}].", origin, name, fmt::join(found, ", "),
               fmt::join(expected, ", "));
  }
}

}  // namespace

Replay::Replay(const std::filesystem::path& path, const flux::Config& config,
               std::optional<ReplayPanels> apart)
    : apart_(apart),
      origin_("'" + printable(path.native(), 400) + "'"),
      checkpoint_(weights::Checkpoint::open(path)) {
  const int64_t channels = config.in_channels / 4;
  std::set<std::string> known;
  for (; checkpoint_.find(fmt::format("{}.latents", count_)) != nullptr; ++count_) {
    const auto name = [&](const char* part) { return fmt::format("{}.{}", count_, part); };
    const Shape latents = shape_of(checkpoint_, name("latents"), origin_);
    if (latents.size() != 4 || latents[0] < 1 || latents[1] != channels || latents[2] < 2 ||
        latents[3] < 2 || latents[2] % 2 != 0 || latents[3] % 2 != 0) {
      fail_input("{}: '{}' has the shape [{}], expected [B, {}, h, w] with even h and w.", origin_,
                 name("latents"), fmt::join(latents, ", "), channels);
    }
    expect_shape(checkpoint_, name("noise"), latents, origin_);
    expect_shape(checkpoint_, name("t"), {latents[0]}, origin_);
    check_texts(count_, config);
    for (const char* part : {"latents", "noise", "t", "t5", "clip"}) known.insert(name(part));
    if (checkpoint_.find(name("given")) != nullptr) {
      expect_shape(checkpoint_, name("given"), {latents[0], latents[2], latents[3]}, origin_);
      known.insert(name("given"));
    }
  }
  for (const auto& [name, tensor] : checkpoint_.tensors()) {
    if (!known.contains(name)) {
      fail_input(
          "{}: '{}' is not part of a micro-batch; expected are k.latents, k.noise, k.t, k.t5, "
          "k.clip and k.given for k = 0, 1, ... without a gap.",
          origin_, printable(name));
    }
  }
  if (count_ == 0) fail_input("{} holds no micro-batch: there is no tensor '0.latents'.", origin_);
}

void Replay::check_texts(int64_t k, const flux::Config& config) const {
  const std::string t5_name = fmt::format("{}.t5", k), clip_name = fmt::format("{}.clip", k);
  const int64_t samples = shape_of(checkpoint_, fmt::format("{}.latents", k), origin_)[0];
  const Shape t5 = shape_of(checkpoint_, t5_name, origin_);
  if (t5.size() != 3 || t5[1] < 1) {
    fail_input("{}: '{}' has the shape [{}], expected [B, length, {}].", origin_, t5_name,
               fmt::join(t5, ", "), config.joint_attention_dim);
  }
  expect_shape(checkpoint_, t5_name, {samples, t5[1], config.joint_attention_dim}, origin_);
  const Shape clip = shape_of(checkpoint_, clip_name, origin_);
  if (apart_ && !apart_->grid && clip.size() == 3 && clip[1] != 1) {
    fail_input(
        "{}: '{}' is of {} panels, but nothing says how they lie on the canvas; set data.grid.",
        origin_, clip_name, clip[1]);
  }
  const auto panels = static_cast<int64_t>(layout(k).boxes.size());
  Shape expected = {samples, config.pooled_projection_dim};
  // A single panel's vector may stand in either form.
  if (panels > 1 || (apart_ && clip.size() == 3)) expected.insert(expected.begin() + 1, panels);
  expect_shape(checkpoint_, clip_name, expected, origin_);
  if (t5[1] % panels != 0) {
    fail_input("{}: '{}' has {} tokens, which are not equally many for each of {} panels.", origin_,
               t5_name, t5[1], panels);
  }
}

panels::Layout Replay::layout(int64_t k) const {
  const Shape& latents = shape_of(checkpoint_, fmt::format("{}.latents", k), origin_);
  const int64_t width = 8 * latents[3], height = 8 * latents[2];
  if (!apart_ || !apart_->grid) return panels::grid_layout({1, 1}, width, height);
  const panels::Grid& grid = *apart_->grid;
  const auto edge = [&](int64_t whole, int64_t parts) {
    return (whole - (parts - 1) * apart_->gutter) / parts / panels::kToken * panels::kToken;
  };
  const int64_t panel_width = edge(width, grid.columns), panel_height = edge(height, grid.rows);
  if (panel_width > 0 && panel_height > 0) {
    panels::Layout out = panels::grid_layout(grid, panel_width, panel_height, apart_->gutter);
    if (out.width == width && out.height == height) return out;
  }
  fail_input(
      "{}: '{}.latents' is a canvas of {}x{} pixels, which does not divide into {} panels whose "
      "edges are multiples of {}; change data.grid or data.gutter.",
      origin_, k, width, height, panels::to_string(grid), panels::kToken);
}

at::Tensor Replay::tensor(int64_t k, const char* name) const {
  runtime::FileWeights source(checkpoint_);
  const std::string key = fmt::format("{}.{}", k, name);
  const weights::StoredTensor* stored = checkpoint_.find(key);
  if (stored == nullptr) return {};
  at::Tensor values = source.get(key, stored->shape, at::kFloat).clone();
  if (!at::isfinite(values).all().item<bool>()) {
    fail_input("{}: '{}' holds values that are not finite numbers.", origin_, key);
  }
  return values;
}

MicroBatch Replay::batch(int64_t k) const {
  MicroBatch batch;
  batch.latents = tensor(k, "latents");
  batch.t5 = tensor(k, "t5");
  batch.clip = tensor(k, "clip");
  batch.noise = tensor(k, "noise");
  batch.t = tensor(k, "t");
  if (batch.t.lt(0).logical_or(batch.t.gt(1)).any().item<bool>()) {
    fail_input("{}: '{}.t' holds timesteps outside 0..1.", origin_, k);
  }
  const at::Tensor given = tensor(k, "given");
  if (given.defined()) {
    if (given.ne(0).logical_and(given.ne(1)).any().item<bool>()) {
      fail_input("{}: '{}.given' must hold 0 and 1 alone.", origin_, k);
    }
    batch.given = given != 0;
  }
  const panels::Layout laid_out = layout(k);
  batch.panels = sampling::panel_sequences(
      apart_ ? sampling::Method::gdt : sampling::Method::canvas, laid_out);
  if (batch.panels.empty() && batch.clip.dim() == 3) batch.clip = batch.clip.squeeze(1);
  const at::Tensor inside = latent_mask(laid_out, all_panels(laid_out));
  if (!inside.all().item<bool>()) batch.counted = inside.expand({batch.size(), -1, -1});
  if (batch.given.defined() && counted_elements(batch) == 0) {
    fail_input("{}: '{}.given' leaves nothing to learn: every element is given.", origin_, k);
  }
  return batch;
}

}  // namespace iclora::train
