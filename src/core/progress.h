#pragma once
// The one callback between long work and whoever watches it: terminal, server, tests. It is also
// the way to stop: library code asks `cancelled()` between steps and throws Cancelled.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace iclora {

/// One observation. Unset fields are not known or do not apply.
struct ProgressEvent {
  std::string_view phase;      ///< "text", "sampling", "decoding", "training", ...
  int64_t step = 0;            ///< done so far, 0 to total
  int64_t total = 0;           ///< 0: unknown
  std::optional<double> loss;  ///< training only
};

class Progress {
 public:
  virtual ~Progress() = default;
  virtual void report(const ProgressEvent& event) = 0;
  /// Whether the work should stop as soon as it leaves a good state behind.
  virtual bool cancelled() const { return false; }
};

/// Watches nothing, cancels never.
class NoProgress final : public Progress {
 public:
  void report(const ProgressEvent&) override {}
};

/// Thrown where work stopped because cancelled() was true.
struct Cancelled {};

/// Throws Cancelled when `progress` says so.
void check_cancelled(const Progress& progress);

}  // namespace iclora
