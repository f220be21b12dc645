#pragma once
// What is measured of one canvas against the set it was drawn for.

#include <map>
#include <string>
#include <vector>

#include "core/json.h"
#include "eval/classifier.h"
#include "eval/estimate.h"
#include "eval/likeness.h"
#include "eval/test_sets.h"
#include "image/image.h"
#include "sampling/paste.h"

namespace iclora::eval {

/// A canvas of one row for one set.
struct DrawnSet {
  image::Image canvas;
  std::vector<image::Image> panels;
  std::vector<std::vector<Guess>> read;           ///< [panels][columns]; empty without labels
  std::vector<sampling::GivenResult> given = {};  ///< of panels that were given
};

/// By name; what cannot be measured of this set is not there.
///   consistency            1 where every shared column is read equal in all panels, and equal to
///                          what the first panel's prompt tells of it
///   consistency/COLUMN     the same of one shared column
///   adherence              panels in which all is read that their own prompt tells, of the panels
///                          whose prompt tells anything
///   adherence/COLUMN       the same of one column
///   different              1 where no two panels that must differ read the same in every column in
///                          which they must
///   success                1 where the set is consistent and different
///   copies                 1 where two panels are the same picture (likeness.h)
///   colours_shared, apart  means over the pairs of panels (likeness.h)
///   like_real              colours shared with the real panel of the same place
///   seam, seam_step        energy beside and across the borders, by the energy inside (seams.h)
///   NAME/*                 of a measure with columns: the mean over single ones; where much must
///                          be right at once, it tells nearly from not at all
/// Of a canvas with given panels, where adherence and like_real are of the others alone:
///   identity               panels that were drawn in which every shared column is read as the
///                          given panels show it; identity/COLUMN: one column
///   like_given             colours shared with the given panels
///   given_error            mean difference, of the range, between a given picture and what the
///                          model draws in its place
///   given_seam             the same along the borders to other panels: what pasting leaves
/// Where `training` holds sets with as many panels:
///   train_distance         how far the panels' thumbnails are from those of the nearest of them
using Measures = std::map<std::string, Observation>;
using SetLook = std::vector<PanelLook>;

/// One measure of many sets, NAME/* too, in their order; weight 0 where it was not taken.
std::vector<Observation> observations(const std::vector<Measures>& sets,
                                      const std::string& measure);
/// Whether a measure was taken of any set.
bool has_measure(const std::vector<Measures>& sets, const std::string& measure);

/// Their names, without columns.
std::vector<std::string> known_measures();
/// Those of them that are also taken column by column.
std::vector<std::string> measures_with_columns();
/// Whether it is one of them, or one with a column behind it where there are such.
bool is_measure(const std::string& name);

Measures measure_set(const TestSets& sets, const TestSet& set, const DrawnSet& drawn,
                     const Classifier* classifier, const std::vector<SetLook>& training = {});

/// What was read of every panel: [{COLUMN: CLASS}, ...], of the columns that this set's task speaks
/// of.
Json reading_json(const TestSets& sets, const TestSet& set, const DrawnSet& drawn,
                  const Classifier& classifier);

/// How a panel was read, for people: only what matters in this task. `wrong`: something told or
/// shared was not read.
struct PanelVerdict {
  std::string text;
  bool wrong = false;
};
std::vector<PanelVerdict> verdicts(const TestSets& sets, const TestSet& set, const DrawnSet& drawn,
                                   const Classifier& classifier);

}  // namespace iclora::eval
