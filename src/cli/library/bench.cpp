#include "bench/bench.h"

#include <ATen/Parallel.h>

#include "cli/library/verbs.h"

namespace iclora::cli {

Json bench(const Json& request, Progress& progress) {
  const std::string origin = "the request";
  bench::Settings settings;
  settings.filter = json_string_or(request, "filter", origin, "");
  settings.seconds = json_number_or(request, "seconds", origin, 1.0);
  settings.threads = static_cast<int>(json_integer_or(request, "threads", origin, 1, 1024, 0));
  std::vector<bench::Case> cases = bench::kernel_cases();
  for (const auto& more : {bench::flux_cases(), bench::train_cases(), bench::encoder_cases()}) {
    cases.insert(cases.end(), more.begin(), more.end());
  }
  const std::vector<bench::Result> results = bench::run(cases, settings, progress);
  const int threads = at::get_num_threads();
  return bench::to_json(results, bench::measure_peak(threads), threads);
}

}  // namespace iclora::cli
