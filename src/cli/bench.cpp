// iclora bench: timings of the parts, beside the machine's own peak.

#include <fmt/format.h>

#include <memory>

#include "cli/commands.h"
#include "cli/library.h"
#include "cli/output.h"

namespace iclora::cli {
namespace {

struct Options {
  std::string filter;
  double seconds = 1.0;
  int threads = 0;
  bool json = false;
};

std::string table(const Json& report) {
  const Json& machine = report["machine"];
  std::string text = fmt::format(
      "{}, {} threads; peak {:.0f} GFLOP/s in fp32 ({}), {:.0f} in bf16 ({})\n{:<44} {:>11} {:>11} "
      "{:>10} {:>6}\n",
      machine["processor"].get<std::string>(), machine["threads"].get<int>(),
      machine["peak_fp32_gflops"].get<double>(), machine["fp32_unit"].get<std::string>(),
      machine["peak_bf16_gflops"].get<double>(), machine["bf16_unit"].get<std::string>(), "case",
      "median ms", "best ms", "GFLOP/s", "peak");
  for (const Json& result : report["results"]) {
    text +=
        fmt::format("{:<44} {:>11.3f} {:>11.3f}", result["name"].get<std::string>(),
                    result["median_s"].get<double>() * 1e3, result["min_s"].get<double>() * 1e3);
    if (result["flop"].get<double>() > 0) {
      text += fmt::format(" {:>10.1f} {:>5.0f}%", result["rate_gflops"].get<double>(),
                          result["peak_fraction"].get<double>() * 100);
    }
    text += "\n";
  }
  return text;
}

}  // namespace

void add_bench(CLI::App& app, Context& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* command =
      add_command(app, "bench", "Time the parts beside the machine's own peak",
                  {{"iclora bench --filter flux-mini", "the cases of the small model"},
                   {"iclora bench --json > bench.json", "everything, for keeping"}});
  command->add_option("--filter", options->filter, "Regular expression on the cases' names");
  command->add_option("--seconds", options->seconds, "Of timed runs a case")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  const CLI::Option* threads =
      command->add_option("--threads", options->threads, "Processor threads")
          ->check(CLI::Range(1, 1024));
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([=, &context] {
    context.run = [=] {
      Json request = {{"filter", options->filter}, {"seconds", options->seconds}};
      if (threads->count() > 0) request["threads"] = options->threads;
      Terminal terminal(false);
      const Json report = call_library("bench", request, terminal);
      if (options->json) {
        print_json(report);
      } else {
        print_result(table(report));
      }
    };
  });
}

}  // namespace iclora::cli
