#pragma once
// TensorBoard's view of a run: RUN/tensorboard/events.out.tfevents.000001, one file each time the
// run is started or resumed, in the order of their numbers.

#include <cstdint>
#include <filesystem>
#include <optional>

#include "run/appended_file.h"
#include "run/event_record.h"

namespace iclora::run {

class EventLog {
 public:
  /// Cuts the files that stand in `folder` back to steps up to `last_step` (0: removes them) and
  /// begins a new one, which also tells a TensorBoard that is watching to forget later steps.
  /// `wall_time`: seconds since 1970. Errors: DiskFull, or of kind `output`.
  EventLog(const std::filesystem::path& folder, int64_t last_step, double wall_time);

  /// One record; scalars that are not finite are left out.
  void append(int64_t step, double wall_time, const Scalars& scalars);
  /// When the run goes back to an earlier step: begins another file.
  void cut_back(int64_t last_step, double wall_time);

 private:
  void begin(int64_t last_step, double wall_time);

  std::filesystem::path folder_;
  std::optional<AppendedFile> file_;
};

}  // namespace iclora::run
