#pragma once
// The linear layer, and the slot in it where adapters (LoRA) add to the frozen product.

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "nn/gradients.h"
#include "nn/weight_source.h"

namespace iclora::nn {

/// One adapter on one linear layer: y += scale * (x A^T) B^T. Added at run time, never merged.
struct LoraPair {
  at::Tensor a;  ///< [rank, in]
  at::Tensor b;  ///< [out, rank]
  double scale = 1.0;
  Slot a_slot = kFrozen;  ///< where a's gradient goes
  Slot b_slot = kFrozen;
};

/// y = x W^T + bias, plus what the adapters add.
struct Linear {
  std::string name;   ///< of the module in the checkpoint, e.g. "transformer_blocks.0.attn.to_q"
  at::Tensor weight;  ///< [out, in]
  at::Tensor bias;    ///< [out], undefined where the layer has none
  std::vector<LoraPair> adapters;
  Slot weight_slot = kFrozen;  ///< where the weight's gradient goes
  Slot bias_slot = kFrozen;

  int64_t in_features() const { return weight.size(1); }
  int64_t out_features() const { return weight.size(0); }
};

/// Reads `name`.weight [out, in] and, if `bias`, `name`.bias [out].
Linear load_linear(WeightSource& source, const std::string& name, int64_t in, int64_t out,
                   at::ScalarType dtype, bool bias = true);

/// What linear_backward needs of the forward pass.
struct LinearSaved {
  at::Tensor x;                    ///< [..., in]
  std::vector<at::Tensor> narrow;  ///< an adapter: scale * x A^T, [rows, rank]
};

/// x: [..., in] of the weight's dtype -> [..., out].
at::Tensor linear_forward(const Linear& layer, const at::Tensor& x, LinearSaved* saved = nullptr);

/// dy: [..., out] -> dx [..., in] of dy's dtype, or undefined where it is not asked for. Adds the
/// gradients of the weight, the bias and the adapters, as far as they are trained.
at::Tensor linear_backward(const Linear& layer, const LinearSaved& saved, const at::Tensor& dy,
                           Gradients& gradients, bool need_dx = true);

}  // namespace iclora::nn
