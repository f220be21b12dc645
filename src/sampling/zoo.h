#pragma once
// Adapters by the task they make: those that come with the program for flux-mini, and the paper's
// ten for FLUX.1-dev (ali-vilab/In-Context-LoRA) where the user has them.

#include <filesystem>
#include <string>
#include <vector>

#include "sampling/request.h"

namespace iclora::sampling {

/// Adds the adapter of `task` that fits request.model: `zoo/TASK.safetensors` in one of the
/// `search` folders, else the released file in the Hugging Face cache. Where panels are given that
/// may stay clean, `zoo/TASK-given.safetensors`, trained for that, comes before the other. Of the
/// paper's files, which say nothing about themselves, grid, panel, dialect and trigger are what the
/// authors recommend, where the request leaves them open. Errors (exit 2) name where was looked,
/// and what does not fit.
void add_task(Request& request, const std::string& task,
              const std::vector<std::filesystem::path>& search);

}  // namespace iclora::sampling
