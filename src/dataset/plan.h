#pragma once
// From sets to what is trained on: each set's layout at each resolution, its rendered joint
// caption, the sets that are held out, and buckets of equal layouts.

#include <optional>
#include <string>
#include <vector>

#include "dataset/problem.h"
#include "dataset/set.h"

namespace iclora::dataset {

/// How a picture fills its panel, without distortion.
struct Fit {
  enum class Kind {
    cover,    ///< all of the panel; what does not fit is cut
    contain,  ///< all of the picture; the rest of the panel is white
  };
  Kind kind = Kind::cover;
  Centre centre;  ///< of panels for which the data set states none
};

/// The `data:` section of a configuration, with its defaults.
struct DataOptions {
  std::optional<panels::Grid> grid;   ///< none: what each set says, else the stack Nx1
  std::optional<panels::Size> panel;  ///< multiples of 16; none: from each set's pictures
  Fit fit;
  int64_t gutter = 0;                        ///< a multiple of 16
  std::optional<captions::Dialect> dialect;  ///< none: the caption's own, else that of the grid
  std::string trigger;                       ///< put in front unless the caption begins with it
  std::vector<int64_t> resolutions;          ///< each set at each of them; empty: its own size
  int64_t validation = 0;                    ///< number of sets that are held out
};

/// One set at one resolution: what becomes one sample.
struct Item {
  size_t set = 0;  ///< index of the set
  panels::Layout layout;
  std::string caption;  ///< rendered
};

/// Items of equal layout, so that they can share a batch.
struct Bucket {
  panels::Layout layout;
  std::vector<size_t> items;  ///< indices into Plan::training
};

struct Plan {
  std::vector<Item> training;    ///< in the order of resolutions, then of sets
  std::vector<Item> validation;  ///< the same of the sets that are held out
  std::vector<Bucket> buckets;   ///< in the order of their first items
};

/// The markers of a set's caption on `grid`: as stated, else the caption's own unless they name
/// another grid, else those of the grid.
captions::Dialect dialect_of(const Set& set, const panels::Grid& grid, const DataOptions& options);

/// The set as one knows it who is told nothing of the panels `numbers` (from 1): their parts of the
/// caption are empty. A caption without parts stays as it is.
Set told_without(const Set& set, const std::vector<int64_t>& numbers);

/// The joint caption of a set on `grid`.
std::string joint_caption(const Set& set, const panels::Grid& grid, const DataOptions& options);

/// What each panel of the set reads where it has a caption of its own (captions::panel_captions).
/// Error (exit 2) that names the set where its caption has another number of parts.
std::vector<std::string> panel_captions(const Set& set, size_t panels, const DataOptions& options);

/// The layout of one set. Errors (exit 2).
panels::Layout layout_of(const Set& set, const DataOptions& options,
                         std::optional<int64_t> resolution = {});

/// Which sets are held out, ascending: chosen by their ids alone, so that the choice does not
/// depend on order, and stays when other sets come and go as far as it can. Error (exit 2) unless a
/// set is left to train on.
std::vector<size_t> held_out_sets(const std::vector<Set>& sets, int64_t count);

/// Sets that cannot be laid out are errors in `problems` and left out; what is cut from pictures,
/// and pictures that must be enlarged, are warnings. Contradictions in the options are thrown (exit
/// 2).
Plan plan_sets(const std::vector<Set>& sets, const DataOptions& options, Problems& problems);
/// The same for who needs all of it: throws (exit 2) at an error, and writes warnings to the log.
/// `path`: the data set, for messages.
Plan plan_sets(const std::vector<Set>& sets, const DataOptions& options, const std::string& path);

}  // namespace iclora::dataset
