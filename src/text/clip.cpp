#include "text/clip.h"

#include <ATen/ATen.h>

#include "core/error.h"
#include "nn/pieces.h"
#include "text/tokens.h"

namespace iclora::text {
namespace {

at::Tensor layer_norm_forward(const LayerNorm& norm, const at::Tensor& x, double eps) {
  return at::layer_norm(x, {x.size(-1)}, norm.weight, norm.bias, eps);
}

LayerNorm load_norm(nn::WeightSource& source, const std::string& name, int64_t width,
                    at::ScalarType dtype) {
  return {source.get(name + ".weight", {width}, dtype), source.get(name + ".bias", {width}, dtype)};
}

at::Tensor attention(const ClipLayer& layer, const at::Tensor& x, int64_t heads) {
  const auto split = [&](const nn::Linear& projection) {
    return nn::linear_forward(projection, x).unflatten(-1, {heads, -1}).transpose(1, 2);
  };
  const at::Tensor q = split(layer.q_proj);
  const at::Tensor k = split(layer.k_proj);
  const at::Tensor v = split(layer.v_proj);
  // Not under autograd, which records nothing on other threads.
  const bool alone = q.is_cpu() && q.size(2) <= nn::kFewTokens && !q.requires_grad();
  const at::Tensor attended = nn::in_one_piece(alone, [&] {
    return at::scaled_dot_product_attention(q, k, v, /*attn_mask=*/{}, /*dropout_p=*/0.0,
                                            /*is_causal=*/true);
  });
  return nn::linear_forward(layer.out_proj, attended.transpose(1, 2).flatten(2));
}

at::Tensor activation(const at::Tensor& x, bool quick_gelu) {
  const auto gelu = [&](const at::Tensor& part) {
    return quick_gelu ? part * at::sigmoid(part * 1.702) : at::gelu(part);
  };
  if (!x.is_cpu() || x.requires_grad()) return gelu(x);
  return nn::map_elements(x,
                          [&](at::Tensor& out, const at::Tensor& part) { out.copy_(gelu(part)); });
}

/// Position of the end of each text: [B].
at::Tensor end_positions(const at::Tensor& ids, int64_t eos) {
  // Configs from before the id was mended say 2, and mean the largest id of the vocabulary.
  if (eos == 2) return ids.argmax(-1);
  return ids.eq(eos).to(at::kInt).argmax(-1);
}

}  // namespace

ClipEncoder load_clip(nn::WeightSource& source, const ClipConfig& config, at::ScalarType dtype) {
  const int64_t width = config.hidden_size;
  ClipEncoder encoder;
  encoder.config = config;
  encoder.token_embedding =
      source.get("text_model.embeddings.token_embedding.weight", {config.vocab_size, width}, dtype);
  encoder.position_embedding = source.get("text_model.embeddings.position_embedding.weight",
                                          {config.max_position_embeddings, width}, dtype);
  for (int64_t i = 0; i < config.num_hidden_layers; ++i) {
    const std::string name = clip_layer_name(i);
    const auto project = [&](const char* part) {
      return nn::load_linear(source, name + "self_attn." + part, width, width, dtype);
    };
    ClipLayer layer;
    layer.layer_norm1 = load_norm(source, name + "layer_norm1", width, dtype);
    layer.q_proj = project("q_proj");
    layer.k_proj = project("k_proj");
    layer.v_proj = project("v_proj");
    layer.out_proj = project("out_proj");
    layer.layer_norm2 = load_norm(source, name + "layer_norm2", width, dtype);
    layer.fc1 = nn::load_linear(source, name + "mlp.fc1", width, config.intermediate_size, dtype);
    layer.fc2 = nn::load_linear(source, name + "mlp.fc2", config.intermediate_size, width, dtype);
    encoder.layers.push_back(std::move(layer));
  }
  encoder.final_layer_norm = load_norm(source, "text_model.final_layer_norm", width, dtype);
  return encoder;
}

ClipStates clip_forward(const ClipEncoder& encoder, const at::Tensor& ids) {
  const ClipConfig& config = encoder.config;
  check_token_ids(ids, config.vocab_size, config.max_position_embeddings, "CLIP");
  const int64_t length = ids.size(1);
  at::Tensor x =
      at::embedding(encoder.token_embedding, ids) + encoder.position_embedding.slice(0, 0, length);
  for (const ClipLayer& layer : encoder.layers) {
    x = x + attention(layer, layer_norm_forward(layer.layer_norm1, x, config.layer_norm_eps),
                      config.num_attention_heads);
    const at::Tensor hidden = nn::linear_forward(
        layer.fc1, layer_norm_forward(layer.layer_norm2, x, config.layer_norm_eps));
    const at::Tensor active = activation(hidden, config.quick_gelu);
    x = x + nn::linear_forward(layer.fc2, active);
  }
  x = layer_norm_forward(encoder.final_layer_norm, x, config.layer_norm_eps);
  const at::Tensor ends = end_positions(ids, config.eos_token_id);
  const at::Tensor index = ends.view({-1, 1, 1}).expand({x.size(0), 1, x.size(2)});
  return {x, x.gather(1, index).squeeze(1)};
}

}  // namespace iclora::text
