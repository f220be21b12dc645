#pragma once
// The result of full tuning: a model folder of its own.

#include <filesystem>

#include "run/config.h"
#include "train/trained_tensors.h"
#include "weights/model_folder.h"

namespace iclora::train {

/// Writes the transformer's weights and puts the base model's other parts beside them: as hard
/// links where the file system allows, else as copies. Either the whole folder appears or nothing.
void write_model(const std::filesystem::path& folder, const weights::ModelFolder& base,
                 const TrainedTensors& trained, const std::vector<at::Tensor>& values,
                 run::SavePrecision dtype);

}  // namespace iclora::train
