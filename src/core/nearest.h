#pragma once
// "Did you mean ...": the nearest of the known names.

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace iclora {

/// The known name with the smallest edit distance to `word`, if that is at most a third of the
/// word's length (and at least 1 is always allowed). Swapped neighbours count as one edit.
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> known);

}  // namespace iclora
