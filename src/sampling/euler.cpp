#include "sampling/euler.h"

#include <ATen/ATen.h>

#include "core/error.h"
#include "flux/latents.h"
#include "sampling/schedule.h"

namespace iclora::sampling {
namespace {

flux::Context make_context(const flux::Transformer& transformer, const Conditioning& conditioning,
                           int64_t h, int64_t w) {
  return {conditioning.text, conditioning.pooled,
          flux::canvas_rope(transformer.config, conditioning.text.size(1), h, w)};
}

}  // namespace

at::Tensor euler_sample(const flux::Transformer& transformer, const at::Tensor& noise,
                        const Conditioning& positive, const std::optional<Conditioning>& negative,
                        const EulerSettings& settings, Progress& progress) {
  const int64_t h = noise.size(2);
  const int64_t w = noise.size(3);
  const int64_t count = noise.size(0);
  const flux::Context context = make_context(transformer, positive, h, w);
  std::optional<flux::Context> negative_context;
  if (negative) negative_context = make_context(transformer, *negative, h, w);

  const at::Tensor guidance = at::full({count}, settings.guidance, at::kFloat);
  const auto steps = static_cast<int64_t>(settings.sigmas.size()) - 1;
  const std::optional<GivenTokens>& given = settings.given;
  const int64_t first = given ? first_step(*given, steps) : 0;
  at::Tensor sample = flux::pack_latents(
      given ? begin_from(*given, noise, settings.sigmas[static_cast<size_t>(first)]) : noise);
  at::Tensor given_tokens;
  if (given) given_tokens = flux::pack_latents(given->mask).any(-1).expand({count, -1});
  progress.report({.phase = "sampling", .step = 0, .total = steps - first, .loss = {}});
  for (int64_t step = first; step < steps; ++step) {
    check_cancelled(progress);
    const float sigma = settings.sigmas[static_cast<size_t>(step)];
    const float next = settings.sigmas[static_cast<size_t>(step) + 1];
    const at::Tensor timestep = at::full({count}, timestep_of(sigma), at::kFloat);
    flux::Query query = {sample, timestep, guidance, {}};
    if (given) {
      query.latents = at::where(given_tokens.unsqueeze(-1),
                                flux::pack_latents(held_at(*given, noise, step, sigma)), sample);
      if (given->at_zero) query.given = given_tokens;
    }
    at::Tensor velocity = flux::transformer_forward(transformer, query, context).to(at::kFloat);
    if (negative_context) {
      const at::Tensor away =
          flux::transformer_forward(transformer, query, *negative_context).to(at::kFloat);
      velocity = away + (velocity - away) * settings.cfg;
    }
    sample = sample + velocity * (next - sigma);
    progress.report(
        {.phase = "sampling", .step = step + 1 - first, .total = steps - first, .loss = {}});
  }
  if (given) {
    sample = at::where(given_tokens.unsqueeze(-1), flux::pack_latents(given->latents), sample);
  }
  if (!at::isfinite(sample).all().item<bool>()) {
    fail(
        ErrorKind::numerics,
        "The sampled latents are not finite numbers; try --dtype fp32, a lower --guidance or lower "
        "adapter strengths.");
  }
  return flux::unpack_latents(sample, h, w);
}

}  // namespace iclora::sampling
