#pragma once
// What of a caption lies behind the last token that a text encoder reads.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace iclora::captions {

/// Tokens of a text, the end mark included.
using CountTokens = std::function<int64_t(std::string_view)>;

/// Of a rendered caption of which `limit` tokens are read, the end mark included: "its end is
/// lost", or where it is joint "the part of panel 2 is cut short and those of panels 3 and 4 are
/// lost". Empty where all of it is read.
std::string lost_end(std::string_view rendered, int64_t limit, const CountTokens& count_tokens);

}  // namespace iclora::captions
