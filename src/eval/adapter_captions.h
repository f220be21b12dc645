#pragma once
// Captions for an adapter, as those that it was trained on.

#include "dataset/plan.h"
#include "lora/adapter_file.h"

namespace iclora::eval {

/// Its trigger and its dialect, as far as it states them. Error (exit 2) for a dialect that is not
/// known.
dataset::DataOptions caption_options(const lora::AdapterFile& adapter);

}  // namespace iclora::eval
