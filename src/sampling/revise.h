#pragma once
// A finished set taken further: some of its panels anew, or more panels. What stays is given, cut
// out of the set's own canvas.

#include <filesystem>
#include <string>
#include <vector>

#include "sampling/request.h"

namespace iclora::sampling {

/// The request of the canvas `picture` with the panels `numbers` (from 1) to be drawn anew and all
/// others given, and no seed: another one is drawn. Errors (exit 2): a picture without a request or
/// with a single panel, a number that is no panel or stands twice, no panel kept.
Request redo_panels(const std::filesystem::path& picture, const std::vector<int64_t>& numbers);

/// The request of `picture` with its panels given and one more for each of `parts`, which continue
/// its joint caption. A row grows to the right; a stack and any other grid grow downwards, by whole
/// rows. Markers that cannot count further become [SCENE-1] and so on. Errors (exit 2): a picture
/// without a request, a caption without parts, parts that do not fill a row.
Request extend_set(const std::filesystem::path& picture, const std::vector<std::string>& parts);

}  // namespace iclora::sampling
