#include "text/t5.h"

#include <ATen/ATen.h>

#include <cmath>

#include "core/error.h"
#include "nn/elementwise.h"
#include "nn/norm.h"
#include "nn/pieces.h"
#include "text/tokens.h"

namespace iclora::text {
namespace {

/// Whether libtorch would share one head's products among the threads. (Not under autograd.)
bool is_alone(const at::Tensor& q) {
  return q.is_cpu() && q.size(2) <= nn::kFewTokens && !q.requires_grad();
}

at::Tensor attention(const T5Block& block, const at::Tensor& x, const at::Tensor& bias,
                     int64_t heads) {
  const auto split = [&](const nn::Linear& projection) {
    return nn::linear_forward(projection, x).unflatten(-1, {heads, -1}).transpose(1, 2);
  };
  // T5 does not scale its logits; the relative bias is added to them.
  const at::Tensor q = split(block.q);
  const at::Tensor k = split(block.k);
  const at::Tensor v = split(block.v);
  const at::Tensor attended = nn::in_one_piece(is_alone(q), [&] {
    return at::scaled_dot_product_attention(q, k, v, bias, /*dropout_p=*/0.0, /*is_causal=*/false,
                                            /*scale=*/1.0);
  });
  return nn::linear_forward(block.o, attended.transpose(1, 2).flatten(2));
}

at::Tensor load_embedding(nn::WeightSource& source, const T5Config& config, at::ScalarType dtype) {
  return source.get("shared.weight", {config.vocab_size, config.d_model}, dtype);
}

at::Tensor load_bias(nn::WeightSource& source, const T5Config& config, at::ScalarType dtype) {
  return source.get(t5_block_name(0) + "0.SelfAttention.relative_attention_bias.weight",
                    {config.relative_attention_num_buckets, config.num_heads}, dtype);
}

at::Tensor load_final_norm(nn::WeightSource& source, const T5Config& config, at::ScalarType dtype) {
  return source.get("encoder.final_layer_norm.weight", {config.d_model}, dtype);
}

/// What is added to every block's logits: [1, heads, L, L].
at::Tensor logit_bias(const T5Config& config, const at::Tensor& table, int64_t length) {
  return at::embedding(table, relative_buckets(config, length))
      .permute({2, 0, 1})
      .unsqueeze(0)
      .contiguous();
}

}  // namespace

T5Block load_t5_block(nn::WeightSource& source, const T5Config& config, int64_t index,
                      at::ScalarType dtype) {
  const std::string name = t5_block_name(index);
  const int64_t inner = config.num_heads * config.d_kv;
  const auto matrix = [&](const char* part, int64_t in, int64_t out) {
    return nn::load_linear(source, name + part, in, out, dtype, /*bias=*/false);
  };
  T5Block block;
  block.attention_norm = source.get(name + "0.layer_norm.weight", {config.d_model}, dtype);
  block.q = matrix("0.SelfAttention.q", config.d_model, inner);
  block.k = matrix("0.SelfAttention.k", config.d_model, inner);
  block.v = matrix("0.SelfAttention.v", config.d_model, inner);
  block.o = matrix("0.SelfAttention.o", inner, config.d_model);
  block.ff_norm = source.get(name + "1.layer_norm.weight", {config.d_model}, dtype);
  block.wi_0 = matrix("1.DenseReluDense.wi_0", config.d_model, config.d_ff);
  block.wi_1 = matrix("1.DenseReluDense.wi_1", config.d_model, config.d_ff);
  block.wo = matrix("1.DenseReluDense.wo", config.d_ff, config.d_model);
  return block;
}

T5Encoder load_t5(nn::WeightSource& source, const T5Config& config, at::ScalarType dtype) {
  T5Encoder encoder;
  encoder.config = config;
  encoder.shared = load_embedding(source, config, dtype);
  encoder.relative_attention_bias = load_bias(source, config, dtype);
  for (int64_t i = 0; i < config.num_layers; ++i) {
    encoder.blocks.push_back(load_t5_block(source, config, i, dtype));
  }
  encoder.final_layer_norm = load_final_norm(source, config, dtype);
  return encoder;
}

at::Tensor relative_buckets(const T5Config& config, int64_t length) {
  // Half of the buckets for keys behind the query, half for those before it; of each half, the
  // first half exact distances, the rest logarithmic up to the maximum (T5, arXiv 1910.10683).
  const int64_t half = config.relative_attention_num_buckets / 2;
  const int64_t exact = half / 2;
  const double scale = std::log(static_cast<double>(config.relative_attention_max_distance) /
                                static_cast<double>(exact));
  at::Tensor buckets = at::empty({length, length}, at::kLong);
  auto* out = buckets.data_ptr<int64_t>();
  for (int64_t query = 0; query < length; ++query) {
    for (int64_t key = 0; key < length; ++key) {
      const int64_t distance = std::abs(key - query);
      int64_t bucket = distance;
      if (distance >= exact) {
        // In fp32, as the reference takes it: the floor decides at exact powers.
        const float ratio = std::log(static_cast<float>(distance) / static_cast<float>(exact)) /
                            static_cast<float>(scale) * static_cast<float>(half - exact);
        bucket = std::min(exact + static_cast<int64_t>(ratio), half - 1);
      }
      out[query * length + key] = bucket + (key > query ? half : 0);
    }
  }
  return buckets;
}

at::Tensor t5_block_forward(const T5Block& block, const T5Config& config, const at::Tensor& x,
                            const at::Tensor& bias) {
  const double eps = config.layer_norm_epsilon;
  const at::Tensor middle = x + attention(block, nn::rms_norm_forward(x, block.attention_norm, eps),
                                          bias, config.num_heads);
  const at::Tensor normed = nn::rms_norm_forward(middle, block.ff_norm, eps);
  const at::Tensor gate = nn::gelu_tanh_forward(nn::linear_forward(block.wi_0, normed));
  return middle + nn::linear_forward(block.wo, gate * nn::linear_forward(block.wi_1, normed));
}

at::Tensor t5_forward(const T5Encoder& encoder, const at::Tensor& ids) {
  const T5Config& config = encoder.config;
  check_token_ids(ids, config.vocab_size, /*longest=*/0, "T5");
  const at::Tensor bias = logit_bias(config, encoder.relative_attention_bias, ids.size(1));
  at::Tensor x = at::embedding(encoder.shared, ids);
  for (const T5Block& block : encoder.blocks) x = t5_block_forward(block, config, x, bias);
  return nn::rms_norm_forward(x, encoder.final_layer_norm, config.layer_norm_epsilon);
}

at::Tensor t5_forward_streamed(nn::WeightSource& source, const T5Config& config,
                               const at::Tensor& ids, at::ScalarType dtype, Progress& progress) {
  check_token_ids(ids, config.vocab_size, /*longest=*/0, "T5");
  const at::Tensor bias = logit_bias(config, load_bias(source, config, dtype), ids.size(1));
  at::Tensor x = at::embedding(load_embedding(source, config, dtype), ids);
  for (int64_t i = 0; i < config.num_layers; ++i) {
    check_cancelled(progress);
    x = t5_block_forward(load_t5_block(source, config, i, dtype), config, x, bias);
    progress.report({.phase = "text", .step = i + 1, .total = config.num_layers, .loss = {}});
  }
  return nn::rms_norm_forward(x, load_final_norm(source, config, dtype), config.layer_norm_epsilon);
}

}  // namespace iclora::text
