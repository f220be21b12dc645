#pragma once
// The linear layer, and the slot in it where adapters (LoRA) add to the frozen product.

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "nn/weight_source.h"

namespace iclora::nn {

/// One adapter on one linear layer: y += scale * (x A^T) B^T. Added at run time, never merged.
struct LoraPair {
  at::Tensor a;  ///< [rank, in]
  at::Tensor b;  ///< [out, rank]
  double scale = 1.0;
};

/// y = x W^T + bias, plus what the adapters add.
struct Linear {
  std::string name;   ///< of the module in the checkpoint, e.g. "transformer_blocks.0.attn.to_q"
  at::Tensor weight;  ///< [out, in]
  at::Tensor bias;    ///< [out], undefined where the layer has none
  std::vector<LoraPair> adapters;

  int64_t in_features() const { return weight.size(1); }
  int64_t out_features() const { return weight.size(0); }
};

/// Reads `name`.weight [out, in] and, if `bias`, `name`.bias [out].
Linear load_linear(WeightSource& source, const std::string& name, int64_t in, int64_t out,
                   at::ScalarType dtype, bool bias = true);

/// x: [..., in] of the weight's dtype -> [..., out].
at::Tensor linear_forward(const Linear& layer, const at::Tensor& x);

}  // namespace iclora::nn
