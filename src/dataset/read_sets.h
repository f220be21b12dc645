#pragma once
// Reads a data set in any of the three forms on disk (told apart by what is there):
//   - folders: PATH/ID/1.png 2.png ... + caption.json or caption.txt; PATH may also hold them in
//     sets/, or be one such folder itself;
//   - a manifest: PATH/sets.jsonl, or PATH is the .jsonl file;
//   - glued canvases: PATH/NAME.jpg|png|webp + NAME.txt, cut into panels.
// Hidden files and __MACOSX are ignored; a folder that holds nothing but one folder stands for it.

#include <filesystem>
#include <optional>
#include <vector>

#include "dataset/problem.h"
#include "dataset/set.h"

namespace iclora::dataset {

struct ReadOptions {
  std::optional<panels::Grid> grid = {};  ///< of glued canvases; none: from their captions' markers
  /// What is about to become a data set: folders whose pictures have any names (in natural order),
  /// with NAME.txt as their parts; a missing caption is a warning.
  bool raw = false;
};

enum class Form { folders, manifest, canvases };

struct Scan {
  std::vector<Set> sets;  ///< those that can be used, in natural order or the manifest's
  size_t found = 0;       ///< with those that cannot
  Form form = Form::folders;
  /// Whatever cannot be used as it is. Nothing about duplicates or quality: see check.h.
  Problems problems;
};

/// Reads captions and the facts of all pictures (every file is read once, in several threads);
/// pixels are not decoded. Never throws for what is wrong with the data set.
Scan scan_sets(const std::filesystem::path& path, const ReadOptions& options = {});

/// The same for who needs all of it: throws (exit 2) when there is an error or no set at all, and
/// writes warnings to the log.
std::vector<Set> read_sets(const std::filesystem::path& path, const ReadOptions& options = {});

}  // namespace iclora::dataset
