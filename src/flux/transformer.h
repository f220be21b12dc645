#pragma once
// The FLUX.1 transformer: from noisy packed latents to the velocity (noise - image).

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <vector>

#include "flux/config.h"
#include "flux/double_block.h"
#include "flux/embeddings.h"
#include "flux/single_block.h"

namespace iclora::flux {

struct Transformer {
  Config config;
  nn::Linear x_embedder;
  nn::Linear context_embedder;
  ConditionEmbedder time_text_embed;
  std::vector<DoubleBlock> transformer_blocks;
  std::vector<SingleBlock> single_transformer_blocks;
  nn::Linear norm_out;  ///< `norm_out.linear`: scale, then shift
  nn::Linear proj_out;
};

Transformer load_transformer(nn::WeightSource& source, const Config& config, at::ScalarType dtype);

/// Calls `visit` for every linear layer: those that an adapter may attach to.
void for_each_linear(Transformer& transformer, const std::function<void(nn::Linear&)>& visit);

/// What does not change from step to step.
struct Context {
  at::Tensor text;     ///< T5 states [B, Lt, joint_attention_dim]
  at::Tensor pooled;   ///< CLIP's pooled vector [B, pooled_projection_dim]
  nn::RopeTable rope;  ///< over text, then image
};

/// The rope table of a canvas of h x w latent pixels under `text_length` text tokens.
nn::RopeTable canvas_rope(const Config& config, int64_t text_length, int64_t h, int64_t w);

/// latents: packed [B, Li, in_channels]; timestep, guidance: fp32 [B] (sigma in 0..1; guidance as
/// the user states it) -> velocity [B, Li, in_channels], both in the weights' dtype.
at::Tensor transformer_forward(const Transformer& transformer, const at::Tensor& latents,
                               const Context& context, const at::Tensor& timestep,
                               const at::Tensor& guidance);

}  // namespace iclora::flux
