#pragma once
// The toy transformer with the adapter that the reference's gradients are of
// (tests/fixtures/training/init_lora.safetensors).

#include <memory>
#include <string>

#include "fixtures.h"
#include "train/trained_tensors.h"

namespace iclora::train {

struct ReferenceLora {
  flux::Transformer transformer;
  TrainedTensors trained;
};

/// Behind a pointer: `trained` points into the layers.
inline std::unique_ptr<ReferenceLora> reference_lora() {
  testing_support::Fixture init("training/init_lora.safetensors");
  const std::string folder = ICLORA_FIXTURES "/models/toy-dev/transformer";
  runtime::FileWeights source(weights::Checkpoint::open(folder));
  auto out = std::make_unique<ReferenceLora>();
  out->transformer = flux::load_transformer(
      source, flux::config_from_json(read_json(folder + "/config.json"), "config.json"),
      at::kFloat);
  out->trained = add_lora(out->transformer, layer_filter({"all"}), 4, 4, 1);
  for (TrainedTensor& tensor : out->trained) tensor.master.copy_(init[tensor.name]);
  put_into_layers(out->trained, masters(out->trained));
  return out;
}

}  // namespace iclora::train
