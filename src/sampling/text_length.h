#pragma once
// How much of a text T5 reads.

#include "captions/lost_end.h"
#include "sampling/model.h"

namespace iclora::sampling {

/// The most T5 tokens that can be asked for: what FLUX.1 was trained with.
inline constexpr int64_t kLongestText = 512;

/// How many tokens T5 makes of a text. Used for as long as `model` lives.
captions::CountTokens token_counter(const OpenModel& model);

}  // namespace iclora::sampling
