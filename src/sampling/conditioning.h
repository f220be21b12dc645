#pragma once
// From prompts to what the transformer is conditioned on. The text encoders are loaded for this
// and leave memory with it.

#include <vector>

#include "core/progress.h"
#include "sampling/euler.h"
#include "sampling/resolve.h"

namespace iclora::sampling {

/// One Conditioning a prompt, in fp32.
std::vector<Conditioning> encode_prompts(const Resolved& resolved,
                                         const std::vector<std::string>& prompts,
                                         at::ScalarType dtype, Progress& progress);

}  // namespace iclora::sampling
