#include "flux/embeddings.h"

#include <ATen/ATen.h>

#include <cmath>

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

at::Tensor embedder_forward(const EmbedderMlp& mlp, const at::Tensor& x) {
  return nn::linear_forward(mlp.linear_2, nn::silu_forward(nn::linear_forward(mlp.linear_1, x)));
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
                             const at::Tensor& guidance, const at::Tensor& pooled) {
  const auto dtype = embedder.timestep_embedder.linear_1.weight.scalar_type();
  at::Tensor condition =
      embedder_forward(embedder.timestep_embedder, timestep_sinusoid(timestep).to(dtype));
  if (embedder.guidance_embeds) {
    condition = condition +
                embedder_forward(embedder.guidance_embedder, timestep_sinusoid(guidance).to(dtype));
  }
  return condition + embedder_forward(embedder.text_embedder, pooled.to(dtype));
}

}  // namespace iclora::flux
