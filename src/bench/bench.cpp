#include "bench/bench.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <stdexcept>

#include "core/error.h"
#include "core/pattern.h"

namespace iclora::bench {
namespace {

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

Result time_case(const Case& one, const Settings& settings, int threads) {
  const std::function<void()> work = one.prepare();
  const Peak before = measure_peak(threads);
  work();  // warm-up
  std::vector<double> times;
  double total = 0;
  while (times.size() < 3 || (total < settings.seconds && times.size() < 1000)) {
    times.push_back(seconds_of(work));
    total += times.back();
  }
  const Peak after = measure_peak(threads);
  std::sort(times.begin(), times.end());
  Result result;
  result.name = one.name;
  result.runs = static_cast<int>(times.size());
  result.median_s = times[times.size() / 2];
  result.min_s = times.front();
  result.flop = one.flop;
  result.rate_gflops = one.flop / result.median_s / 1e9;
  const double peak = one.bf16 ? std::max(before.bf16_gflops, after.bf16_gflops)
                               : std::max(before.fp32_gflops, after.fp32_gflops);
  result.peak_fraction = result.rate_gflops / peak;
  return result;
}

}  // namespace

std::vector<Result> run(const std::vector<Case>& cases, const Settings& settings,
                        Progress& progress) {
  const c10::NoGradGuard no_grad;
  const int threads = settings.threads > 0 ? settings.threads : at::get_num_threads();
  at::set_num_threads(threads);
  const auto filter = [&] {
    try {
      return Pattern(settings.filter);
    } catch (const std::invalid_argument& error) {
      fail_input("--filter '{}' is not a regular expression that can be used here ({}).",
                 printable(settings.filter), error.what());
    }
  }();
  std::vector<const Case*> chosen;
  for (const Case& one : cases) {
    if (filter.occurs_in(one.name)) chosen.push_back(&one);
  }
  if (chosen.empty()) {
    fail_input("--filter '{}' matches none of the {} cases; run without it to see their names.",
               printable(settings.filter), cases.size());
  }
  std::vector<Result> results;
  for (const Case* one : chosen) {
    check_cancelled(progress);
    results.push_back(time_case(*one, settings, threads));
    progress.report({.phase = "timing",
                     .step = static_cast<int64_t>(results.size()),
                     .total = static_cast<int64_t>(chosen.size()),
                     .loss = {}});
  }
  return results;
}

Json to_json(const std::vector<Result>& results, const Peak& peak, int threads) {
  Json json;
  json["machine"] = {{"processor", processor_name()},        {"threads", threads},
                     {"peak_fp32_gflops", peak.fp32_gflops}, {"peak_bf16_gflops", peak.bf16_gflops},
                     {"fp32_unit", peak.fp32_unit},          {"bf16_unit", peak.bf16_unit}};
  json["results"] = Json::array();
  for (const Result& result : results) {
    json["results"].push_back({{"name", result.name},
                               {"median_s", result.median_s},
                               {"min_s", result.min_s},
                               {"runs", result.runs},
                               {"flop", result.flop},
                               {"rate_gflops", result.rate_gflops},
                               {"peak_fraction", result.peak_fraction}});
  }
  return json;
}

}  // namespace iclora::bench
