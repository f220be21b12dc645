#include "flux/transformer.h"

#include <ATen/ATen.h>

#include "flux/latents.h"
#include "nn/elementwise.h"
#include "nn/norm.h"

namespace iclora::flux {

Transformer load_transformer(nn::WeightSource& source, const Config& config, at::ScalarType dtype) {
  const int64_t width = config.width();
  Transformer model;
  model.config = config;
  model.x_embedder = nn::load_linear(source, "x_embedder", config.in_channels, width, dtype);
  model.context_embedder =
      nn::load_linear(source, "context_embedder", config.joint_attention_dim, width, dtype);
  model.time_text_embed = load_condition_embedder(source, config, dtype);
  for (int64_t i = 0; i < config.num_layers; ++i) {
    model.transformer_blocks.push_back(
        load_double_block(source, fmt::format("transformer_blocks.{}", i), config, dtype));
  }
  for (int64_t i = 0; i < config.num_single_layers; ++i) {
    model.single_transformer_blocks.push_back(
        load_single_block(source, fmt::format("single_transformer_blocks.{}", i), config, dtype));
  }
  model.norm_out = nn::load_linear(source, "norm_out.linear", width, 2 * width, dtype);
  model.proj_out = nn::load_linear(source, "proj_out", width, config.in_channels, dtype);
  return model;
}

void for_each_linear(Transformer& transformer, const std::function<void(nn::Linear&)>& visit) {
  const auto visit_mlp = [&](EmbedderMlp& mlp) {
    visit(mlp.linear_1);
    visit(mlp.linear_2);
  };
  const auto visit_qkv = [&](QkvProjection& qkv) {
    visit(qkv.to_q);
    visit(qkv.to_k);
    visit(qkv.to_v);
  };
  visit(transformer.x_embedder);
  visit(transformer.context_embedder);
  visit_mlp(transformer.time_text_embed.timestep_embedder);
  if (transformer.config.guidance_embeds) {
    visit_mlp(transformer.time_text_embed.guidance_embedder);
  }
  visit_mlp(transformer.time_text_embed.text_embedder);
  for (DoubleBlock& block : transformer.transformer_blocks) {
    for (StreamWeights* stream : {&block.image, &block.text}) {
      visit(stream->norm1);
      visit_qkv(stream->qkv);
      visit(stream->attn_out);
      visit(stream->ff.in);
      visit(stream->ff.out);
    }
  }
  for (SingleBlock& block : transformer.single_transformer_blocks) {
    visit(block.norm);
    visit_qkv(block.qkv);
    visit(block.proj_mlp);
    visit(block.proj_out);
  }
  visit(transformer.norm_out);
  visit(transformer.proj_out);
}

nn::RopeTable canvas_rope(const Config& config, int64_t text_length, int64_t h, int64_t w) {
  return nn::rope_table(at::cat({text_ids(text_length), image_ids(h, w)}), config.axes_dims_rope,
                        /*theta=*/10000.0);
}

at::Tensor transformer_forward(const Transformer& transformer, const at::Tensor& latents,
                               const Context& context, const at::Tensor& timestep,
                               const at::Tensor& guidance) {
  const auto dtype = transformer.x_embedder.weight.scalar_type();
  const at::Tensor condition = nn::silu_forward(
      condition_forward(transformer.time_text_embed, timestep, guidance, context.pooled));

  Streams streams = {
      nn::linear_forward(transformer.x_embedder, latents.to(dtype)),
      nn::linear_forward(transformer.context_embedder, context.text.to(dtype)),
  };
  for (const DoubleBlock& block : transformer.transformer_blocks) {
    streams = double_block_forward(block, streams, condition, context.rope);
  }
  at::Tensor x = at::cat({streams.text, streams.image}, 1);
  for (const SingleBlock& block : transformer.single_transformer_blocks) {
    x = single_block_forward(block, x, condition, context.rope);
  }
  x = x.slice(1, context.text.size(1), at::nullopt);

  // Scale comes before shift here, unlike in the blocks.
  const auto modulation = nn::linear_forward(transformer.norm_out, condition)
                              .to(at::kFloat)
                              .unsqueeze(1)
                              .chunk(2, /*dim=*/-1);
  return nn::linear_forward(
      transformer.proj_out,
      nn::layer_norm_modulate_forward(x, modulation[1], modulation[0], kNormEpsilon));
}

}  // namespace iclora::flux
