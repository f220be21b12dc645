#pragma once
// What the tests of gradients share: a toy transformer, what of it is trained, what came out.

#include <map>
#include <string>
#include <vector>

#include "fixtures.h"
#include "flux/transformer.h"

namespace iclora::testing_support {

/// One loss and its gradients by name: of a LoRA on every linear layer of the blocks, or of every
/// weight.
struct Trained {
  double loss = 0;
  std::map<std::string, at::Tensor> gradients;
};

/// From a folder in the diffusers layout.
inline flux::Transformer transformer_from(const std::string& folder, at::ScalarType dtype) {
  runtime::FileWeights source(weights::Checkpoint::open(folder));
  return flux::load_transformer(
      source, flux::config_from_json(read_json(folder + "/config.json"), "config.json"), dtype);
}

/// Gives slots to what is trained, every weight or (where `lora` is one) the LoRA of that fixture,
/// which is added; their names in order.
inline std::vector<std::string> give_slots(flux::Transformer& transformer, Fixture* lora) {
  std::vector<std::string> names;
  const auto slot = [&](const std::string& name) {
    names.push_back(name);
    return static_cast<nn::Slot>(names.size()) - 1;
  };
  if (lora == nullptr) {
    flux::for_each_weight(transformer, [&](const std::string& name, at::Tensor&, nn::Slot& place) {
      place = slot(name);
    });
    return names;
  }
  flux::for_each_linear(transformer, [&](nn::Linear& layer) {
    if (layer.name.find("transformer_blocks.") == std::string::npos) return;
    const std::string key = "transformer." + layer.name;
    const auto dtype = layer.weight.scalar_type();
    nn::LoraPair pair;
    pair.a = (*lora)[key + ".lora_A.weight"].to(dtype);
    pair.b = (*lora)[key + ".lora_B.weight"].to(dtype);
    pair.a_slot = slot(key + ".lora_A.weight");
    pair.b_slot = slot(key + ".lora_B.weight");
    layer.adapters.push_back(pair);
  });
  return names;
}

/// Those that were reached, by the names of `give_slots`.
inline std::map<std::string, at::Tensor> named(const nn::Gradients& gradients,
                                               const std::vector<std::string>& names) {
  std::map<std::string, at::Tensor> out;
  for (size_t i = 0; i < names.size(); ++i) {
    const at::Tensor& sum = gradients.sum(static_cast<nn::Slot>(i));
    if (sum.defined()) out[names[i]] = sum;
  }
  return out;
}

}  // namespace iclora::testing_support
