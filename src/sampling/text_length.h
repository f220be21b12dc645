#pragma once
// How much of a text T5 reads.

#include <cstdint>
#include <string>
#include <string_view>

#include "captions/lost_end.h"
#include "sampling/model.h"

namespace iclora::sampling {

/// The most T5 tokens that can be asked for: what FLUX.1 was trained with.
inline constexpr int64_t kLongestText = 512;

/// How many tokens T5 makes of a text. Used for as long as `model` lives.
captions::CountTokens token_counter(const OpenModel& model);

/// What to do about texts of up to `tokens` tokens of which `limit` are read: "shorten it, or give
/// --text-length 140." `them`: "it" or "them"; `option`: where the limit is set.
std::string remedy_for_length(int64_t tokens, int64_t limit, std::string_view them,
                              std::string_view option);

}  // namespace iclora::sampling
