#pragma once
// From what was asked to what will be done: every default settled, every input read and checked.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "captions/joint_caption.h"
#include "flux/config.h"
#include "lora/adapter_file.h"
#include "panels/layout.h"
#include "sampling/request.h"
#include "sampling/schedule.h"
#include "text/clip.h"
#include "text/t5.h"
#include "tokenizers/clip_tokenizer.h"
#include "tokenizers/t5_tokenizer.h"
#include "vae/config.h"
#include "weights/model_folder.h"

namespace iclora::sampling {

/// The configs of a model's parts, checked against each other.
struct ModelConfigs {
  flux::Config transformer;
  text::ClipConfig clip;
  text::T5Config t5;
  vae::Config vae;
  ScheduleConfig schedule;
};

/// Errors (exit 2) name the file, also where parts do not fit together.
ModelConfigs read_configs(const weights::ModelFolder& folder);

/// Ready to run. `request` is complete: seed, grid, panel, dtype, device, text length are set.
struct Resolved {
  Request request;
  weights::ModelFolder folder;
  ModelConfigs configs;
  panels::Layout layout;
  std::string joint_prompt;  ///< what the text encoders read
  std::vector<lora::AdapterFile> adapters;
  std::string model_sha256;               ///< of configs and a slice of every tensor
  std::vector<std::string> loras_sha256;  ///< of the adapters' files
  std::vector<std::string> warnings;
  std::optional<tokenizers::ClipTokenizer> clip_tokenizer;
  std::optional<tokenizers::T5Tokenizer> t5_tokenizer;
};

/// `model_search`: folders in which a model's name is looked up. Nothing is computed or written.
Resolved resolve(Request request, const std::vector<std::filesystem::path>& model_search);

}  // namespace iclora::sampling
