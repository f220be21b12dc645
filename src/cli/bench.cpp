// iclora bench: timings beside the machine's own peak.

#include <memory>
#include <stdexcept>

#include "cli/commands.h"
#include "cli/library.h"
#include "cli/numbers.h"
#include "cli/output.h"
#include "core/error.h"
#include "core/pattern.h"

namespace iclora::cli {
namespace {

struct Options {
  std::optional<std::string> filter, seconds, threads;
  bool json = false;
  bool quiet = false;
};

std::string table(const Json& report) {
  const Json& machine = report["machine"];
  std::string text = fmt::format(
      "{}, {} threads; peak {:.0f} GFLOP/s fp32, {:.0f} bf16\n",
      machine["processor"].get<std::string>(), machine["threads"].get<int64_t>(),
      machine["peak_fp32_gflops"].get<double>(), machine["peak_bf16_gflops"].get<double>());
  for (const Json& result : report["results"]) {
    text += fmt::format("{:44} {:>10}", result["name"].get<std::string>(),
                        duration_text(result["median_s"].get<double>()));
    if (result["flop"].get<double>() > 0) {
      text +=
          fmt::format("  {:8.1f} GFLOP/s  {:4.0f} % of peak", result["rate_gflops"].get<double>(),
                      100 * result["peak_fraction"].get<double>());
    }
    text += '\n';
  }
  return text;
}

void run(const Options& options) {
  Json request = Json::object();
  if (options.filter) {
    try {
      const Pattern checked(*options.filter);
    } catch (const std::invalid_argument& error) {
      fail_input("--filter must be a regular expression, but it is '{}' ({})",
                 printable(*options.filter), error.what());
    }
    request["filter"] = *options.filter;
  }
  if (options.seconds) {
    request["seconds"] = parse_number(*options.seconds, "--seconds", 0, 3600);
  }
  if (options.threads) {
    request["threads"] = parse_integer(*options.threads, "--threads", 1, 1024);
  }
  Json report;
  {
    Terminal terminal(options.quiet);
    report = call_library("bench", request, terminal);
  }
  if (options.json) {
    print_json(report);
  } else {
    print_result(table(report));
  }
}

}  // namespace

void add_bench(CLI::App& app, Context& context) {
  CLI::App* command =
      add_command(app, "bench", "Times what matters, each beside this machine's own peak.",
                  {{"iclora bench", "everything"},
                   {"iclora bench --filter 'flux-mini/.*' --json", "some of it, for scripts"}});
  auto options = std::make_shared<Options>();
  command->add_option("--filter", options->filter, "Regular expression on the names")
      ->type_name("REGEX");
  command->add_option("--seconds", options->seconds, "Of timed runs a case; 1 by default")
      ->type_name("S");
  command->add_option("--threads", options->threads, "Processor threads; all by default")
      ->type_name("N");
  command->add_flag("--quiet", options->quiet, "No progress");
  command->add_flag("--json", options->json, "One JSON object on stdout");
  command->callback([=, &context] { context.run = [=] { run(*options); }; });
}

}  // namespace iclora::cli
