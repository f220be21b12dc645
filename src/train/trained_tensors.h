#pragma once
// What a training changes: LoRA pairs on chosen layers, or every weight of the transformer. Masters
// are fp32; the layers hold copies of them in the dtype that is computed in.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "flux/transformer.h"

namespace iclora::train {

/// One trained tensor; its place in the list is its gradient's slot.
struct TrainedTensor {
  std::string name;   ///< in the result's file
  at::Tensor master;  ///< fp32
  /// Where the layer keeps what it computes with.
  std::function<at::Tensor&()> in_layer;
};

/// In a fixed order: that of the transformer's layers, A before B.
using TrainedTensors = std::vector<TrainedTensor>;

/// Whether a layer (diffusers' module name) gets a LoRA.
using LayerFilter = std::function<bool(const std::string& module)>;

/// "attention", "all", or one of several regular expressions that must match the whole name
/// (design 4.4, lora.targets). Error (exit 2) for an expression that does not parse.
LayerFilter layer_filter(const std::vector<std::string>& targets);

/// What add_lora refuses (exit 2), for whoever knows the sizes before the layers are loaded: a rank
/// above a layer's size, and a filter that takes no layer.
void check_rank(int64_t rank, const std::string& module, int64_t in, int64_t out);
[[noreturn]] void fail_no_layer();

/// Attaches a pair of `rank` to each layer that the filter takes: A uniform in +-1 / sqrt(in)
/// (Kaiming with a = sqrt 5, as PEFT and the paper's trainer begin), B zero, scale alpha / rank.
/// Error (exit 2) when the filter takes no layer, or the rank is above a layer's size.
TrainedTensors add_lora(flux::Transformer& transformer, const LayerFilter& filter, int64_t rank,
                        double alpha, uint64_t seed);

/// Every weight of the transformer.
TrainedTensors train_every_weight(flux::Transformer& transformer);

/// Puts `values` (fp32, one a trained tensor, in order) into the layers, in their dtype.
void put_into_layers(const TrainedTensors& trained, const std::vector<at::Tensor>& values);
/// The masters themselves.
std::vector<at::Tensor> masters(const TrainedTensors& trained);

}  // namespace iclora::train
