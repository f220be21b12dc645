#pragma once
// One way of making held-out sets, and what was measured of it. Beside those of a model stand the
// real sets, also through the model's autoencoder, and panels of different real sets.

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/json.h"
#include "core/progress.h"
#include "eval/set_measures.h"
#include "eval/test_sets.h"
#include "sampling/model.h"

namespace iclora::eval {

/// What one way of making sets gives.
struct Row {
  std::string name;  ///< "drawn", "shuffled", "rebuilt", "base", or the adapter's file name
  std::string kind;  ///< "drawn" | "shuffled" | "rebuilt" | "base" | "lora"
  Json about;        ///< of an adapter: file, sha256, strength, trained steps
  std::vector<std::vector<DrawnSet>> sets;  ///< [sets][repetitions]
  std::vector<Measures> measures;           ///< a set, over its repetitions
  /// Between the classifier's features of these panels and of the real ones: of their means, and
  /// Frechet's of both distributions (distance.h).
  std::optional<double> feature_distance, frechet;
  double seconds = 0;
};

/// The real sets: the ceiling.
Row drawn_row(const TestSets& sets);
/// Whether there are sets enough to shuffle, all of one layout.
bool can_shuffle(const TestSets& sets);
/// Panel p of set i is the p-th panel of set i + p: the floor. None unless can_shuffle.
std::optional<Row> shuffled_row(const TestSets& sets);
/// The real sets through the model's autoencoder.
Row rebuilt_row(const TestSets& sets, const sampling::OpenModel& model, Progress& progress);

/// Reads the panels of `row.sets` where the sets have labels, and fills in the measures and the
/// distances. `training`: looks of the sets that were trained on, for train_distance.
void measure_row(Row& row, const TestSets& sets, const Classifier* classifier,
                 const std::vector<SetLook>& training = {});

/// One measure of a row over all sets; all 0 where the row has none of it.
Estimate estimate_of(const Row& row, const std::string& measure);
Estimate difference_of(const Row& row, const Row& base, const std::string& measure);
/// The names of all that was measured.
std::set<std::string> measure_names(const Row& row);

}  // namespace iclora::eval
