#pragma once
// What becomes of a training whose loss or gradient is not a number.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"

namespace iclora::run {

/// A step with a non-finite loss or gradient changes nothing and is counted. The third within
/// twenty steps sends the training back to its last checkpoint; if the trouble then comes again,
/// before training has passed the place by twenty steps, it ends (exit 7).
class StopPolicy {
 public:
  enum class Verdict {
    proceed,    ///< finite: take the step
    skip,       ///< leave out the update of this step and go on
    roll_back,  ///< go back to the last good state, then call rolled_back
    stop,       ///< call fail_stopped
  };

  static constexpr int64_t kWindow = 20;
  static constexpr int64_t kMost = 3;

  /// Of optimizer step `step`, from 1, in order; `finite`: its loss and gradient norm.
  Verdict observe(int64_t step, bool finite);

  /// The training now stands where `saved` was its policy: that of the checkpoint, or a fresh one
  /// at the beginning. What is remembered is that it went back; were `saved` taken in place of this
  /// object, it would go back for ever.
  void rolled_back(const StopPolicy& saved);

  /// Steps of the course so far that were left out.
  int64_t skipped() const { return skipped_; }

  /// Throws Error of kind `numerics`: where, how often, what to do.
  [[noreturn]] void fail_stopped(int64_t step) const;

  /// For checkpoints.
  Json to_json() const;
  static StopPolicy from_json(const Json& json, const std::string& origin);

  bool operator==(const StopPolicy&) const = default;

 private:
  std::vector<int64_t> recent_;  ///< non-finite steps among the last kWindow, ascending
  int64_t skipped_ = 0;
  std::optional<int64_t> gave_up_at_;  ///< where it went back the last time
};

}  // namespace iclora::run
