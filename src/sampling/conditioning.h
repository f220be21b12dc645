#pragma once
// From prompts to what the transformer is conditioned on. The text encoders are loaded for this
// and leave memory with it.

#include <vector>

#include "core/progress.h"
#include "sampling/euler.h"
#include "sampling/model.h"

namespace iclora::sampling {

/// One Conditioning a prompt, in fp32; `text_length` T5 tokens, padded.
std::vector<Conditioning> encode_prompts(const OpenModel& model,
                                         const std::vector<std::string>& prompts,
                                         int64_t text_length, at::ScalarType dtype,
                                         Progress& progress);

}  // namespace iclora::sampling
