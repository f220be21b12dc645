#pragma once
// Held-out sets: real pictures with their captions and, where tools/world has drawn them, what
// every panel shows.
//
//   DIR/sets/ID/1.png ... caption.json
//       any data set that `iclora dataset check` reads
//   DIR/labels.jsonl
//       optional: a line a set, {"id", "shared": {COLUMN: CLASS},
//       "panels": [{"labels": {COLUMN: CLASS}, "says": [COLUMN]}]}
//   DIR/task.json or DIR/../task.json
//       optional: {"task", "shared": [COLUMN], "varies": [COLUMN]}

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "dataset/plan.h"
#include "dataset/set.h"
#include "eval/classifier.h"
#include "image/image.h"

namespace iclora::eval {

/// What one panel shows and what its own prompt tells of it, by the classifier's columns.
struct PanelLabels {
  std::vector<std::optional<int64_t>> shows;  ///< class; none: the panel has no such thing
  std::vector<bool> told;
};

struct TestSet {
  dataset::Set set;
  panels::Layout layout;
  std::vector<image::Image> panels;  ///< real pictures, fitted to the layout
  std::vector<PanelLabels> labels;   ///< one a panel; empty: not known
};

struct TestSets {
  std::filesystem::path folder;
  std::string task;
  std::vector<TestSet> sets;
  bool labelled = false;
  std::vector<size_t> shared;  ///< columns in which all panels of a set must be equal
  std::vector<size_t> varies;  ///< columns that tell the panels of a set apart
};

struct TestSetOptions {
  std::optional<panels::Grid> grid;   ///< none: that of task.json, else what the sets say
  std::optional<panels::Size> panel;  ///< none: the pictures' own size
  std::optional<int64_t> count;       ///< only the first
  /// Only those that a training with this `data.validation` holds out: their number, or below 1
  /// their share.
  std::optional<double> held_out;
};

/// What an adapter was trained on: a data set without what its `validation` holds out.
struct TrainingSets {
  std::filesystem::path path;
  double validation = 0;
};
/// The panels of every set; of `options`, grid and panel count.
std::vector<std::vector<image::Image>> read_training_panels(const TrainingSets& training,
                                                            const TestSetOptions& options);

/// `path` may also be the task's folder that holds `held-out`. Labels are read where there are some
/// and `classifier` is given. Errors (exit 2) name the file and the line: columns or classes that
/// the classifier lacks, sets without labels or with another number of panels.
TestSets read_test_sets(const std::filesystem::path& path, const Classifier* classifier,
                        const TestSetOptions& options);

}  // namespace iclora::eval
