#pragma once
// Writes a data set anew: pictures cut, fitted and laid out, captions in one form.

#include <filesystem>
#include <string>
#include <vector>

#include "core/progress.h"
#include "dataset/plan.h"
#include "dataset/read_sets.h"

namespace iclora::dataset {

struct BuildOptions {
  DataOptions data;  ///< at most one resolution; nothing is held out
  Form form = Form::folders;
};

struct Built {
  size_t sets = 0;
  size_t pictures = 0;
  Problems warnings;
};

/// Reads `source` and writes `out`, which must be empty or not there yet (exit 2). Beside the forms
/// of read_sets.h, `source` may hold folders of pictures of any names, in the order of their names;
/// a picture's NAME.txt is then its part of the caption. A set without a caption is written with an
/// empty one, and told. All or nothing: `out` appears when it is complete.
///   folders:  out/sets/ID/1.png ... + caption.json
///   manifest: out/sets.jsonl + out/pictures/ID/1.png ...
///   canvases: out/ID.png + ID.txt, panels composed, captions rendered
/// The panels read back are, to the pixel, those that training on `source` would have seen.
Built build_data_set(const std::filesystem::path& source, const std::filesystem::path& out,
                     const BuildOptions& options, Progress& progress);

}  // namespace iclora::dataset
