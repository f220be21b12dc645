#pragma once
// The verb `pretrain`: a whole small model from nothing, stage by stage.

#include <filesystem>
#include <string>
#include <vector>

#include "core/progress.h"
#include "pretrain/recipe.h"

namespace iclora::pretrain {

struct PretrainOptions {
  /// OUT/model, the model folder, which stands already (random weights where nothing is trained),
  /// and OUT/vae, OUT/text, OUT/transformer, OUT/guidance, the stages' runs.
  std::filesystem::path out;
  /// The stages to work on: "vae", "text", "transformer", "guidance"; empty: all that the recipe
  /// has. Those before must be finished.
  std::vector<std::string> stages;
};

/// Trains what is not finished. After every checkpoint the model folder holds that stage's
/// averages. Errors: exit 2; `interrupted` (75) when the user stopped it, after saving.
void pretrain(const Recipe& recipe, const PretrainOptions& options, Progress& progress);

}  // namespace iclora::pretrain
