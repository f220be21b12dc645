#pragma once
// A model as a folder in the diffusers layout, as published for FLUX.1-dev and FLUX.1-schnell.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"

namespace iclora::weights {

/// One part of a model: its folder and its config.json.
struct Component {
  std::filesystem::path folder;
  std::filesystem::path config_path;
  Json config;
};

struct ModelFolder {
  std::filesystem::path path;
  Component transformer;
  Component text_encoder;    ///< CLIP
  Component text_encoder_2;  ///< T5
  Component vae;
  Component scheduler;  ///< config_path is scheduler_config.json
  std::filesystem::path tokenizer;
  std::filesystem::path tokenizer_2;
  /// iclora.json: what the model's makers found best.
  std::optional<int64_t> native_width;
  std::optional<int64_t> native_height;
  std::optional<std::string> dialect;
};

/// Checks that all parts are there and reads their configs, no weights. Errors (exit 2) name the
/// part that is missing.
ModelFolder open_model_folder(const std::filesystem::path& path);

/// The folder of a model given by path or name: an existing folder; else `name` in one of the
/// `search` folders; else, for "org/repo", the Hugging Face cache (HF_HUB_CACHE, HF_HOME or the
/// default). Error (exit 2) that lists where it looked.
std::filesystem::path resolve_model(const std::string& name,
                                    const std::vector<std::filesystem::path>& search);

/// The newest snapshot of a repository ("owner/name") in the Hugging Face cache of this user: the
/// folder that models--owner--name/refs/main names, if it is there.
std::optional<std::filesystem::path> hub_snapshot(const std::string& name);

}  // namespace iclora::weights
