#pragma once
// Timings of the parts that matter, each beside the machine's own peak.

#include <functional>
#include <string>
#include <vector>

#include "bench/peak.h"
#include "core/json.h"
#include "core/progress.h"

namespace iclora::bench {

/// One thing to time. `prepare` makes the inputs and returns what is timed, so that cases that are
/// filtered out cost nothing.
struct Case {
  std::string name;   ///< such as "flux-mini/sample_step/2x2"
  double flop = 0;    ///< useful floating-point operations of one run; 0: not counted
  bool bf16 = false;  ///< which peak it is held against
  std::function<std::function<void()>()> prepare;
};

struct Result {
  std::string name;
  double median_s = 0;
  double min_s = 0;
  int runs = 0;
  double flop = 0;
  double rate_gflops = 0;    ///< flop / median
  double peak_fraction = 0;  ///< of the peak measured just before and after this case
};

struct Settings {
  std::string filter;    ///< a regular expression on names; empty: all
  double seconds = 1.0;  ///< of timed runs a case, at least three runs
  int threads = 0;       ///< 0: as many as cores
};

std::vector<Case> kernel_cases();
std::vector<Case> flux_cases();
std::vector<Case> train_cases();
std::vector<Case> encoder_cases();

/// Runs what matches the filter, one warm-up each.
std::vector<Result> run(const std::vector<Case>& cases, const Settings& settings,
                        Progress& progress);

/// {"machine": {...}, "results": [...]} (design 4.1).
Json to_json(const std::vector<Result>& results, const Peak& peak, int threads);

}  // namespace iclora::bench
