#pragma once
// What an adapter's file states of itself in its `iclora` metadata (adapter_metadata.h), read
// leniently: other programs write files too.

#include <optional>
#include <string>

#include "lora/adapter_file.h"

namespace iclora::lora {

/// A text of it: task, grid, panel, dialect, trigger or base. None where the file has no such
/// metadata, or this is missing, empty or no text.
std::optional<std::string> stated(const AdapterFile& adapter, const char* key);

/// A member of its `training`: method, steps, conditional, ... nullptr where there is none. Lives
/// as long as the adapter.
const Json* stated_training(const AdapterFile& adapter, const char* key);

/// How given panels took part in its training.
struct GivenTraining {
  bool at_zero = false;  ///< their tokens at timestep 0
  bool apart = false;    ///< they see only each other
};
/// None where it was trained without given panels, or does not say.
std::optional<GivenTraining> given_training(const AdapterFile& adapter);

}  // namespace iclora::lora
