#include "sampling/euler.h"

#include <ATen/ATen.h>

#include "core/error.h"
#include "sampling/schedule.h"

namespace iclora::sampling {
namespace {

/// What the tokens that are drawn are told where given ones see only each other: these are the same
/// at every step, and computed once, here. given_tokens: bool [1, L].
flux::Context context_beside(const flux::Transformer& transformer, const flux::TokenOrder& order,
                             const Conditioning& conditioning, const at::Tensor& given_tokens,
                             const at::Tensor& guidance, const EulerSettings& settings) {
  const at::Tensor given = given_tokens[0];
  flux::ApartContexts contexts = order.apart_contexts(
      transformer.config, conditioning.text, conditioning.pooled, given, settings.given_attention);
  const at::Tensor latents = order.tokens_of(settings.given->latents)
                                 .index_select(1, given.nonzero().flatten())
                                 .expand({guidance.size(0), -1, -1});
  contexts.targets.given_keys =
      flux::given_keys_forward(transformer, latents, guidance, contexts.given);
  return std::move(contexts.targets);
}

}  // namespace

at::Tensor euler_sample(const flux::Transformer& transformer, const at::Tensor& noise,
                        const Conditioning& positive, const std::optional<Conditioning>& negative,
                        const EulerSettings& settings, Progress& progress) {
  const int64_t count = noise.size(0);
  const std::optional<GivenTokens>& given = settings.given;
  const flux::TokenOrder order(settings.panels, noise.size(2), noise.size(3));
  at::Tensor given_tokens;  // [1, L]
  if (given) given_tokens = order.tokens_of(given->mask).any(-1);
  const bool apart = given && given->sees == flux::GivenSees::given;
  at::Tensor targets;  // places of the tokens that are drawn
  if (apart) targets = given_tokens[0].logical_not().nonzero().flatten();
  const at::Tensor guidance = at::full({count}, settings.guidance, at::kFloat);
  const auto context_of = [&](const Conditioning& conditioning) {
    if (!apart) {
      return order.context(transformer.config, conditioning.text, conditioning.pooled,
                           {given_tokens, {settings.given_attention}, settings.across});
    }
    return context_beside(transformer, order, conditioning, given_tokens, guidance, settings);
  };
  const flux::Context context = context_of(positive);
  std::optional<flux::Context> negative_context;
  if (negative) negative_context = context_of(*negative);
  if (given) given_tokens = given_tokens.expand({count, -1});

  const auto steps = static_cast<int64_t>(settings.sigmas.size()) - 1;
  const int64_t first = given ? first_step(*given, steps) : 0;
  at::Tensor sample = order.tokens_of(
      given ? begin_from(*given, noise, settings.sigmas[static_cast<size_t>(first)]) : noise);
  const at::Tensor all = sample;
  if (apart) sample = sample.index_select(1, targets);
  progress.report({.phase = "sampling", .step = 0, .total = steps - first, .loss = {}});
  for (int64_t step = first; step < steps; ++step) {
    check_cancelled(progress);
    const float sigma = settings.sigmas[static_cast<size_t>(step)];
    const float next = settings.sigmas[static_cast<size_t>(step) + 1];
    const at::Tensor timestep = at::full({count}, timestep_of(sigma), at::kFloat);
    flux::Query query = {sample, timestep, guidance, {}};
    if (given && !apart) {
      query.latents = at::where(given_tokens.unsqueeze(-1),
                                order.tokens_of(held_at(*given, noise, step, sigma)), sample);
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
  if (apart) sample = all.index_copy(1, targets, sample);
  if (given) {
    sample = at::where(given_tokens.unsqueeze(-1), order.tokens_of(given->latents), sample);
  }
  if (!at::isfinite(sample).all().item<bool>()) {
    fail(
        ErrorKind::numerics,
        "The sampled latents are not finite numbers; try --dtype fp32, a lower --guidance or lower "
        "adapter strengths.");
  }
  return order.latents_of(sample);
}

}  // namespace iclora::sampling
