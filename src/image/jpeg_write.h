#pragma once
// Writing JPEG: for pictures that are sent somewhere to be looked at, not kept.

#include <string>

#include "image/image.h"

namespace iclora::image {

/// Full colour resolution (4:4:4), so that coloured letters stay sharp. `quality`: 1 to 100. Equal
/// input gives equal bytes.
std::string encode_jpeg(const Image& picture, int quality = 90);

}  // namespace iclora::image
