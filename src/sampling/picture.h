#pragma once
// What a generated picture says of itself, and the way back from a picture to a request.

#include <filesystem>
#include <string>

#include "image/png_write.h"
#include "sampling/resolve.h"

namespace iclora::sampling {

/// The texts of canvas `index` (from 0): `parameters` in the form of A1111's web interface, and
/// `iclora` = {"version", "request", "prompt", "layout", "model_sha256", "loras_sha256",
/// "noise_sha256", "build"}. The
/// request is for this canvas alone (count 1, its own seed), so that it makes the same picture
/// again.
image::Texts picture_texts(const Resolved& resolved, int64_t index, const std::string& build);

/// The request that a picture carries. Files that it names and that are not there are looked for
/// beside the picture and up its folders, so that a project may be moved whole. Error (exit 2) when
/// it carries none.
Request request_of_picture(const std::filesystem::path& picture);

/// Throws (exit 2) where a file that the picture was made from is another one now, so that its
/// request would make another picture; given pictures have hashes of their own. `asked`: what was
/// asked for beside the picture, in the request's form: what it names anew may differ.
void check_made_from(const std::filesystem::path& picture, const Json& asked,
                     const Resolved& resolved);

}  // namespace iclora::sampling
