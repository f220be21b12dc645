#pragma once
// The logs of a run: one JSON object a line, in the order of the steps.
//
// metrics.jsonl has one object an optimizer step, validation.jsonl one a validation.

#include <cstdint>
#include <filesystem>
#include <vector>

#include "core/json.h"
#include "run/appended_file.h"

namespace iclora::run {

/// One optimizer step.
struct StepMetrics {
  int64_t step = 0;          ///< from 1
  double loss = 0;           ///< not finite: written as null, with "skipped": true
  double learning_rate = 0;  ///< as used
  double grad_norm = 0;      ///< before clipping
  double seconds = 0;        ///< of this step
  int64_t samples_seen = 0;  ///< up to and with this step
  bool skipped = false;      ///< the update was left out
};

/// The loss on the held-out sets at fixed timesteps and noise.
struct ValidationMetrics {
  int64_t step = 0;            ///< after which it was measured
  double loss = 0;             ///< over all panels
  std::vector<double> panels;  ///< by panel, in reading order
};

Json to_json(const StepMetrics& metrics);
Json to_json(const ValidationMetrics& metrics);

/// A file of such lines, appended to. Errors are DiskFull or of kind `output`; the
/// file then ends with the last whole line.
class StepLog {
 public:
  /// Opens or creates `path` and cuts it back to the lines of steps up to `last_step` (0: empties
  /// it). A torn last line goes as well.
  StepLog(std::filesystem::path path, int64_t last_step);

  void append(const Json& line);
  /// The lines so far survive a power cut: before a checkpoint is published.
  void sync();
  /// When the run goes back to an earlier step.
  void cut_back(int64_t last_step);

 private:
  AppendedFile file_;
};

/// The whole lines of a log, up to the first that is torn; none where there is no file.
std::vector<Json> read_step_log(const std::filesystem::path& path);

}  // namespace iclora::run
