#pragma once
// What a LoRA file says of itself (design 4.5): for diffusers, for ModelSpec readers, for those of
// the kohya family, and for ourselves.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/json.h"

namespace iclora::lora {

/// Nothing in here names a path, a host or a person.
struct AdapterInfo {
  std::string title;
  int64_t rank = 0;
  std::vector<std::string> modules;  ///< diffusers' names of the layers, without `transformer.`
  std::string resolution;            ///< of the canvas, "192x64" (width x height)
  std::string task;                  ///< empty where the sets name none, as the next four
  std::string grid;                  ///< "3x1"
  std::string panel;                 ///< "64x64"
  std::string dialect;
  std::string trigger;
  std::string base;          ///< of the model: its name
  std::string base_sha256;   ///< of configs and a slice of every tensor
  std::string architecture;  ///< "flux-1-dev/lora"
  Json training;  ///< what was trained on and how: sets, steps, batch, learning rate, ...
  std::string tensors_sha256;  ///< of all tensors' bytes in the file's order
  std::string started_at;      ///< ISO 8601, UTC
  std::string finished_at;
};

/// The file's `__metadata__`. `training` is also where the ss_ fields come from: `steps`, `batch`,
/// `accumulate`, `learning_rate`, `seed`, `schedule`, `sets`, `dtype`.
std::map<std::string, std::string> adapter_metadata(const AdapterInfo& info);

}  // namespace iclora::lora
