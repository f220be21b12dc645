#pragma once
// The sizes of a model to be made, read from a YAML file.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "core/json.h"
#include "sampling/model.h"
#include "weights/random_init.h"

namespace iclora::cli {

/// FLUX.1-dev's sizes are the defaults.
struct InitPlan {
  sampling::ModelConfigs configs;
  int64_t text_length = 512;
  bool text_length_stated = false;   ///< then it also replaces a given tokenizer's own
  std::optional<std::string> panel;  ///< WxH, for iclora.json
  std::optional<std::string> dialect;
  std::optional<std::filesystem::path> tokenizer;  ///< folders to copy; none: small ones are made
  std::optional<std::filesystem::path> tokenizer_2;
  weights::RandomInit init;
};

/// `request`: its `seed` and `dtype` win over the file's. A key that is not known, a size that is
/// not one and parts that do not fit together are errors (exit 2) that name the key.
InitPlan read_init_plan(const std::filesystem::path& path, const Json& request);

}  // namespace iclora::cli
