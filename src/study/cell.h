#pragma once
// What one row made of one task's held-out sets, measured: the unit that is kept and used again.
//
//   OUT/cells/KEY/cell.json    and NNNN.png, the canvases of the first sets
//
// KEY is a hash of all that the result depends on: model, training, settings, sets. cell.json is
// written last: a folder without it is begun anew.

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "eval/row.h"

namespace iclora::study {

/// How a trained row came to be.
struct TrainingRecord {
  std::string key;
  int64_t sets = 0;
  int64_t steps = 0;
  double seconds = 0;  ///< of its steps
  double loss = 0;     ///< mean over the last tenth of them
};

struct Cell {
  std::string key;
  std::string task, label;
  Json about;                            ///< the row's settings, as in its key
  std::vector<std::string> ids;          ///< of the sets
  std::vector<eval::Measures> measures;  ///< a set each
  std::optional<double> feature_distance, frechet;
  int64_t canvases = 0;
  double seconds = 0;  ///< of drawing all of them
  int64_t steps = 0;   ///< of the transformer for one canvas, candidates' included
  std::optional<TrainingRecord> training;
  std::vector<std::string> pictures;  ///< files in the cell's folder, of the first sets
};

class CellStore {
 public:
  explicit CellStore(std::filesystem::path folder) : folder_(std::move(folder)) {}

  std::filesystem::path folder_of(const std::string& key) const { return folder_ / key; }
  /// None where there is none, or none that can be read.
  std::optional<Cell> find(const std::string& key) const;
  /// Writes the canvases of the row's first `pictures` sets, then the cell.
  void keep(Cell& cell, const eval::Row& row, int64_t pictures) const;

 private:
  std::filesystem::path folder_;
};

/// Twenty hexadecimal digits of what a cell depends on.
std::string cell_key(const Json& about);

}  // namespace iclora::study
