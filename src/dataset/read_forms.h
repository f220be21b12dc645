#pragma once
// The readers of the three forms. They give sets without the facts of their pictures.

#include <filesystem>
#include <vector>

#include "dataset/files.h"
#include "dataset/problem.h"
#include "dataset/set.h"

namespace iclora::dataset {

/// Whether a folder's files look like one set: a caption.txt or caption.json, or numbered pictures
/// of which none has a text of its own name.
bool is_set_folder(const Listing& listing);

/// One set; `root` is the data set. None where there is no picture. `raw`: see ReadOptions.
std::optional<Set> read_set_folder(const std::filesystem::path& folder,
                                   const std::filesystem::path& root, bool raw, Problems& problems);

/// All lines of sets.jsonl; sets of which a path is unsafe are left out.
std::vector<Set> read_manifest(const std::filesystem::path& file, Problems& problems);

/// Canvases that have a caption; each set has one panel, the whole picture, yet.
std::vector<Set> read_canvases(const Listing& listing, bool raw, Problems& problems);

}  // namespace iclora::dataset
