#pragma once
// The verb `train`: from a configuration to a LoRA, or a tuned transformer.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/progress.h"
#include "run/config.h"

namespace iclora::train {

/// What is asked for beside the configuration.
struct TrainOptions {
  bool resume = false;
  std::optional<std::filesystem::path> init_lora;
  std::optional<std::filesystem::path> replay;
  std::optional<int64_t> sets;  ///< only the first of the data set; none: all
  std::filesystem::path cache;  ///< of latents and text embeddings
  std::vector<std::filesystem::path> model_search;
  std::string build;
};

struct TrainResult {
  std::filesystem::path result;  ///< the LoRA's file; of full tuning the model's folder
  int64_t steps = 0;
  double loss = 0;     ///< of the last step that was not left out
  double seconds = 0;  ///< of this call
};

/// Everything is read and checked before anything is written. Phases of progress: "reading sets",
/// "encoding pictures", "text", "training" (with the loss), "sampling", "decoding", "saving".
/// Errors: design 4.1; Error of kind `interrupted` (75) when the user stopped it, after saving.
TrainResult train(const run::Config& config, const TrainOptions& options, Progress& progress);

}  // namespace iclora::train
