#include "flux/embeddings.h"

#include <ATen/ATen.h>

#include <cmath>

#include "nn/saved.h"

#include "nn/elementwise.h"

namespace iclora::flux {
namespace {

constexpr int64_t kSinusoidWidth = 256;

EmbedderMlp load_embedder(nn::WeightSource& source, const std::string& name, int64_t in,
                          int64_t width, at::ScalarType dtype) {
  return {nn::load_linear(source, name + ".linear_1", in, width, dtype),
          nn::load_linear(source, name + ".linear_2", width, width, dtype)};
}

}  // namespace

at::Tensor timestep_sinusoid(const at::Tensor& t) {
  constexpr int64_t half = kSinusoidWidth / 2;
  const at::Tensor frequency =
      at::exp(at::arange(half, t.options()) * (-std::log(10000.0) / static_cast<double>(half)));
  const at::Tensor angle = (t * 1000).unsqueeze(1) * frequency.unsqueeze(0);
  return at::cat({at::cos(angle), at::sin(angle)}, 1);
}

at::Tensor embedder_forward(const EmbedderMlp& mlp, const at::Tensor& x, EmbedderSaved* saved) {
  const at::Tensor hidden =
      nn::linear_forward(mlp.linear_1, x, nn::part_of(saved, &EmbedderSaved::linear_1));
  if (saved != nullptr) saved->hidden = hidden;
  return nn::linear_forward(mlp.linear_2, nn::silu_forward(hidden),
                            nn::part_of(saved, &EmbedderSaved::linear_2));
}

void embedder_backward(const EmbedderMlp& mlp, const EmbedderSaved& saved, const at::Tensor& dy,
                       nn::Gradients& gradients) {
  const at::Tensor dactive = nn::linear_backward(mlp.linear_2, saved.linear_2, dy, gradients);
  nn::linear_backward(mlp.linear_1, saved.linear_1, nn::silu_backward(saved.hidden, dactive),
                      gradients, /*need_dx=*/false);
}

ConditionEmbedder load_condition_embedder(nn::WeightSource& source, const Config& config,
                                          at::ScalarType dtype) {
  const std::string name = "time_text_embed.";
  const int64_t width = config.width();
  ConditionEmbedder embedder;
  embedder.timestep_embedder =
      load_embedder(source, name + "timestep_embedder", kSinusoidWidth, width, dtype);
  embedder.guidance_embeds = config.guidance_embeds;
  if (config.guidance_embeds) {
    embedder.guidance_embedder =
        load_embedder(source, name + "guidance_embedder", kSinusoidWidth, width, dtype);
  }
  embedder.text_embedder =
      load_embedder(source, name + "text_embedder", config.pooled_projection_dim, width, dtype);
  return embedder;
}

at::Tensor condition_forward(const ConditionEmbedder& embedder, const at::Tensor& timestep,
                             const at::Tensor& guidance, const at::Tensor& pooled,
                             ConditionSaved* saved) {
  const auto dtype = embedder.timestep_embedder.linear_1.weight.scalar_type();
  at::Tensor condition =
      embedder_forward(embedder.timestep_embedder, timestep_sinusoid(timestep).to(dtype),
                       nn::part_of(saved, &ConditionSaved::timestep));
  if (embedder.guidance_embeds) {
    condition = condition + embedder_forward(embedder.guidance_embedder,
                                             timestep_sinusoid(guidance).to(dtype),
                                             nn::part_of(saved, &ConditionSaved::guidance));
  }
  return condition + embedder_forward(embedder.text_embedder, pooled.to(dtype),
                                      nn::part_of(saved, &ConditionSaved::text));
}

void condition_backward(const ConditionEmbedder& embedder, const ConditionSaved& saved,
                        const at::Tensor& dy, nn::Gradients& gradients) {
  embedder_backward(embedder.timestep_embedder, saved.timestep, dy, gradients);
  if (embedder.guidance_embeds) {
    embedder_backward(embedder.guidance_embedder, saved.guidance, dy, gradients);
  }
  embedder_backward(embedder.text_embedder, saved.text, dy, gradients);
}

}  // namespace iclora::flux
