#include "train/initial_lora.h"

#include <ATen/ATen.h>

#include <map>

#include "core/error.h"
#include "sampling/adapters.h"

namespace iclora::train {

void start_from(const lora::AdapterFile& file, double lora_scale, const TrainedTensors& trained) {
  const std::string origin = "'" + printable(file.path.native(), 400) + "'";
  std::map<std::string, const lora::Pair*> pairs;
  for (const lora::Pair& pair : file.pairs) pairs["transformer." + pair.module] = &pair;
  if (!file.unknown_keys.empty()) {
    fail_input("{} holds '{}', which is no half of a LoRA pair; --init-lora takes none of that.",
               origin, printable(file.unknown_keys.front()));
  }
  runtime::FileWeights source(file.checkpoint);
  std::map<std::string, int> used;
  for (const TrainedTensor& tensor : trained) {
    const bool is_a = tensor.name.ends_with(".lora_A.weight");
    const std::string module = tensor.name.substr(0, tensor.name.rfind(".lora_"));
    const auto found = pairs.find(module);
    if (found == pairs.end()) {
      fail_input(
          "{} has no pair for '{}', which this configuration trains; choose lora.targets "
          "that fit the file.",
          origin, module);
    }
    const lora::Pair& pair = *found->second;
    const std::vector<int64_t> shape = tensor.master.sizes().vec();
    const int64_t rank = is_a ? shape[0] : shape[1];
    if (pair.rank != rank) {
      fail_input("{}: '{}' has rank {}, but lora.rank is {}.", origin, module, pair.rank, rank);
    }
    const at::Tensor values = sampling::load_half(source, file, is_a ? pair.a : pair.b);
    if (values.sizes() != tensor.master.sizes()) {
      fail_input("{}: '{}' is {} x {}, but the layer needs {} x {}.", origin,
                 printable(is_a ? pair.a.key : pair.b.key), values.size(0), values.size(1),
                 shape[0], shape[1]);
    }
    tensor.master.copy_(is_a ? values : values * (pair.scale / lora_scale));
    ++used[module];
  }
  for (const auto& [module, pair] : pairs) {
    if (!used.contains(module)) {
      fail_input(
          "{} has a pair for '{}', which this configuration does not train; choose "
          "lora.targets that fit the file.",
          origin, printable(module));
    }
  }
}

}  // namespace iclora::train
