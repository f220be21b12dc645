#pragma once
// What a generated picture says of itself, and the way back from a picture to a request.

#include <filesystem>
#include <string>

#include "image/png_write.h"
#include "sampling/resolve.h"

namespace iclora::sampling {

/// The texts of canvas `index` (from 0): `parameters` in the form of A1111's web interface, and
/// `iclora` = {"version", "request", "layout", "model_sha256", "loras_sha256", "build"}. The
/// request is for this canvas alone (count 1, its own seed), so that it makes the same picture
/// again.
image::Texts picture_texts(const Resolved& resolved, int64_t index, const std::string& build);

/// The request that a picture carries. Error (exit 2) when it carries none.
Request request_of_picture(const std::filesystem::path& picture);

}  // namespace iclora::sampling
