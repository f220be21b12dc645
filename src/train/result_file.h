#pragma once
// A training's result on disk: a LoRA in the diffusers layout, or a transformer's weights.

#include <filesystem>
#include <vector>

#include "lora/adapter_metadata.h"
#include "run/config.h"
#include "train/trained_tensors.h"

namespace iclora::train {

/// Writes values[i] (fp32) as trained[i].name, in `dtype`, atomically, then reads the file back and
/// compares: an error (exit 1) when it is not what was written. `lora_scale` (alpha / rank) is
/// folded into every B. `info`: everything but rank, modules and hashes, which are filled in here.
/// Error (exit 7) when a value is not finite, or becomes so in `dtype`.
void write_lora(const std::filesystem::path& path, const TrainedTensors& trained,
                const std::vector<at::Tensor>& values, double lora_scale, run::SavePrecision dtype,
                lora::AdapterInfo info);

/// The transformer's tensors by their names in the checkpoint, read back and compared likewise.
void write_weights(const std::filesystem::path& path, const TrainedTensors& trained,
                   const std::vector<at::Tensor>& values, run::SavePrecision dtype);

}  // namespace iclora::train
