#pragma once
// A model folder opened: configs checked against each other, tokenizers read, no weights.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "flux/config.h"
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

struct OpenModel {
  weights::ModelFolder folder;
  ModelConfigs configs;
  std::string model_sha256;  ///< of configs and a slice of every tensor
  std::optional<tokenizers::ClipTokenizer> clip_tokenizer;
  std::optional<tokenizers::T5Tokenizer> t5_tokenizer;
  /// Sentences for the user: tensors in the files that the configs do not ask for.
  std::vector<std::string> warnings;
};

/// `name`: a folder, or a name looked up in the `search` folders. Errors (exit 2) name the file.
OpenModel open_model(const std::string& name, const std::vector<std::filesystem::path>& search);

/// How many T5 tokens the model reads where nothing else is asked for: as its tokenizer says, at
/// most 512, without guidance embedding 256.
int64_t default_text_length(const OpenModel& model);

}  // namespace iclora::sampling
