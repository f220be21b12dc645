#pragma once
// From prompts to what the transformer is conditioned on. The text encoders are loaded for this
// and leave memory with it.

#include <string>
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

/// What each set of captions (captions_of) becomes for euler_sample: a single caption is encoded as
/// it stands, those of panels one after the other. Equal captions are encoded once.
std::vector<Conditioning> encode_sets(const OpenModel& model,
                                      const std::vector<std::vector<std::string>>& sets,
                                      int64_t text_length, at::ScalarType dtype,
                                      Progress& progress);

/// One Conditioning of those of the panels, [1, ...] each; a single one as it is.
Conditioning joined(const std::vector<Conditioning>& captions);

}  // namespace iclora::sampling
