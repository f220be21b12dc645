#pragma once
// T5's encoder (transformers' T5EncoderModel): relative positions, RMS norms, gated GELU.

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "core/progress.h"
#include "nn/linear.h"
#include "text/t5_config.h"

namespace iclora::text {

/// `encoder.block.N`.
struct T5Block {
  at::Tensor attention_norm;  ///< layer.0.layer_norm [d_model]
  nn::Linear q, k, v, o;      ///< without bias
  at::Tensor ff_norm;         ///< layer.1.layer_norm [d_model]
  nn::Linear wi_0, wi_1, wo;  ///< without bias
};

struct T5Encoder {
  T5Config config;
  at::Tensor shared;                   ///< [V, d_model]
  at::Tensor relative_attention_bias;  ///< of block 0, used by all: [buckets, heads]
  std::vector<T5Block> blocks;
  at::Tensor final_layer_norm;
};

T5Block load_t5_block(nn::WeightSource& source, const T5Config& config, int64_t index,
                      at::ScalarType dtype);
T5Encoder load_t5(nn::WeightSource& source, const T5Config& config, at::ScalarType dtype);

/// Bucket of each (query, key) distance, both directions: int64 [length, length].
at::Tensor relative_buckets(const T5Config& config, int64_t length);

/// x: [B, L, d_model]; bias: [1, heads, L, L], added to the logits.
at::Tensor t5_block_forward(const T5Block& block, const T5Config& config, const at::Tensor& x,
                            const at::Tensor& bias);

/// ids: int64 [B, L] -> [B, L, d_model]. Padding is not masked, as FLUX was trained. Errors (exit
/// 2) when an id is not in the vocabulary.
at::Tensor t5_forward(const T5Encoder& encoder, const at::Tensor& ids);

/// The bytes of load_t5() and t5_forward(), with the weights of one block in memory at a time.
/// Reports the phase "text", one step a block.
at::Tensor t5_forward_streamed(nn::WeightSource& source, const T5Config& config,
                               const at::Tensor& ids, at::ScalarType dtype, Progress& progress);

}  // namespace iclora::text
