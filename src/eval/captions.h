#pragma once
// Held-out captions with what every panel must show: JSON lines, as `tools/world/draw captions`
// writes them:
//   {"id": "2x2-0001", "caption": TEXT, "grid": "2x2", "panels": [{"subject": "cat", ...}, ...]}
// A panel names classes of the classifier's columns; what it does not name is not judged.

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "eval/classifier.h"
#include "panels/grid.h"

namespace iclora::eval {

/// Column and class, as indices into the classifier's.
using Expected = std::vector<std::pair<size_t, int64_t>>;

struct HeldOutCaption {
  std::string id;
  std::string caption;  ///< a joint caption, markers included
  panels::Grid grid;
  std::vector<Expected> panels;  ///< in reading order
};

/// Strict. Errors (exit 2) name the file, the line and what is wrong: unknown keys, columns or
/// classes, another number of panels than the grid has, an id that stands twice, no line at all.
std::vector<HeldOutCaption> read_captions(const std::filesystem::path& path,
                                          const Classifier& classifier);

}  // namespace iclora::eval
