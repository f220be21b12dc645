#pragma once
// Beginning a training from an adapter that exists (--init-lora).

#include "lora/adapter_file.h"
#include "train/trained_tensors.h"

namespace iclora::train {

/// Takes the masters' values from the file: A as it stands, B multiplied by the file's scale over
/// `lora_scale` (alpha / rank of this training), so that the adapter acts as it did. Errors (exit
/// 2): a trained layer that the file has not or with another rank, a layer that is not trained.
void start_from(const lora::AdapterFile& file, double lora_scale, const TrainedTensors& trained);

}  // namespace iclora::train
