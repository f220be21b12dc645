#include "sampling/given.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <cmath>

#include "core/error.h"
#include "core/philox.h"
#include "panels/masks.h"
#include "runtime/file_weights.h"
#include "sampling/decode.h"
#include "sampling/resolve.h"
#include "vae/autoencoder.h"

namespace iclora::sampling {
namespace {

constexpr int64_t kPixelsPerLatent = 8;

at::Tensor fresh_noise(const GivenTokens& given, const at::Tensor& like, int64_t step) {
  at::Tensor noise = at::empty(like.sizes(), at::kFloat);
  for (size_t i = 0; i < given.seeds.size(); ++i) {
    at::Tensor one = noise[static_cast<int64_t>(i)];
    // Step 0 of this stream is the noise that the canvas starts from.
    Random(given.seeds[i], Stream::sampling_noise, static_cast<uint64_t>(step) + 1)
        .fill_normal({one.mutable_data_ptr<float>(), static_cast<size_t>(one.numel())});
  }
  return noise;
}

at::Tensor between(const at::Tensor& clean, const at::Tensor& noise, float sigma) {
  return (1 - sigma) * clean + sigma * noise;
}

/// Index into `numbers` of the given panel nearest to panel `number`.
size_t nearest_given(const std::vector<int64_t>& numbers, int64_t number) {
  size_t best = 0;
  for (size_t i = 1; i < numbers.size(); ++i) {
    if (std::abs(numbers[i] - number) < std::abs(numbers[best] - number)) best = i;
  }
  return best;
}

}  // namespace

int64_t first_step(const GivenTokens& given, int64_t steps) {
  if (given.method != GivenMethod::sdedit) return 0;
  // As the reference's inpainting pipeline counts: a share that is no whole step is rounded up.
  const auto skipped = static_cast<int64_t>(static_cast<double>(steps) -
                                            static_cast<double>(steps) * given.strength);
  return std::min(skipped, steps - 1);
}

at::Tensor begin_from(const GivenTokens& given, const at::Tensor& noise, float sigma) {
  if (given.method != GivenMethod::sdedit || given.strength >= 1.0) return noise;
  return between(given.latents, noise, sigma);
}

at::Tensor held_at(const GivenTokens& given, const at::Tensor& noise, int64_t step, float sigma) {
  switch (given.method) {
    case GivenMethod::clean:
      return given.latents.expand(noise.sizes());
    case GivenMethod::replace:
      return between(given.latents, noise, sigma);
    case GivenMethod::sdedit:
      return between(given.latents, fresh_noise(given, noise, step), sigma);
  }
  fail(ErrorKind::internal, "held_at: an unknown way of conditioning.");
}

GivenTokens given_tokens(const panels::Layout& layout, const std::vector<int64_t>& numbers,
                         const std::vector<at::Tensor>& latents) {
  const int64_t h = layout.height / kPixelsPerLatent;
  const int64_t w = layout.width / kPixelsPerLatent;
  GivenTokens given;
  given.latents = at::zeros({1, latents.at(0).size(1), h, w}, at::kFloat);
  for (size_t i = 0; i < layout.boxes.size(); ++i) {
    const panels::Box& box = layout.boxes[i];
    given.latents.slice(2, box.y / kPixelsPerLatent, (box.y + box.height) / kPixelsPerLatent)
        .slice(3, box.x / kPixelsPerLatent, (box.x + box.width) / kPixelsPerLatent)
        .copy_(latents[nearest_given(numbers, static_cast<int64_t>(i) + 1)]);
  }
  const std::vector<uint8_t> mask = panels::panel_mask(layout, numbers, kPixelsPerLatent);
  given.mask = at::empty({1, 1, h, w}, at::kBool);
  std::transform(mask.begin(), mask.end(), given.mask.mutable_data_ptr<bool>(),
                 [](uint8_t value) { return value != 0; });
  return given;
}

std::optional<GivenTokens> encode_given(const Resolved& resolved, Progress& progress) {
  if (resolved.given.empty()) return std::nullopt;
  const c10::NoGradGuard no_grad;
  const Request& request = resolved.request;
  runtime::FileWeights source(weights::Checkpoint::open(resolved.folder.vae.folder));
  const vae::Encoder encoder = vae::load_encoder(source, resolved.configs.vae, at::kFloat);
  std::vector<int64_t> numbers;
  std::vector<at::Tensor> latents;
  const auto total = static_cast<int64_t>(resolved.given.size());
  for (const GivenPanel& panel : resolved.given) {
    progress.report({.phase = "encoding given panels",
                     .step = static_cast<int64_t>(numbers.size()),
                     .total = total,
                     .loss = {}});
    check_cancelled(progress);
    numbers.push_back(panel.number);
    latents.push_back(vae::to_transformer_scale(
        resolved.configs.vae, vae::encode(encoder, pixels_of(panel.picture)).mean));
    if (!at::isfinite(latents.back()).all().item<bool>()) {
      fail(ErrorKind::numerics,
           "The autoencoder gives latents of given panel {} that are not finite numbers.",
           panel.number);
    }
  }
  progress.report({.phase = "encoding given panels", .step = total, .total = total, .loss = {}});
  GivenTokens given = given_tokens(resolved.layout, numbers, latents);
  given.method = request.condition == "clean"     ? GivenMethod::clean
                 : request.condition == "replace" ? GivenMethod::replace
                                                  : GivenMethod::sdedit;
  given.at_zero = request.given_timestep == "zero";
  given.sees = request.given_sees == "given" ? flux::GivenSees::given : flux::GivenSees::all;
  given.strength = request.strength.value_or(1.0);
  return given;
}

}  // namespace iclora::sampling
