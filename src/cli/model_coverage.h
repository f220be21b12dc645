#pragma once
// What the configs of a model folder ask for against what its files hold.

#include "core/json.h"
#include "weights/model_folder.h"

namespace iclora::cli {

/// A component's name -> {expected, found, missing [], wrong_shape [], unexpected []}. Errors (exit
/// 2) name the file.
Json model_coverage(const weights::ModelFolder& model);

}  // namespace iclora::cli
