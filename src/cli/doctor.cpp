// iclora doctor: what this machine has, what is missing, and what to do.

#include <sys/statvfs.h>

#include <filesystem>
#include <memory>

#include "cli/build_id.h"
#include "cli/commands.h"
#include "cli/library.h"
#include "cli/machine.h"
#include "cli/output.h"
#include "cli/torch_folder.h"
#include "core/error.h"

namespace iclora::cli {
namespace {

namespace fs = std::filesystem;

/// The deepest folder of `path` that exists.
fs::path existing_part(fs::path path) {
  std::error_code ignored;
  while (!fs::exists(path, ignored) && path != path.parent_path()) path = path.parent_path();
  return path;
}

Json machine_report() {
  const Machine machine = read_machine();
  return Json{{"processor", machine.processor},       {"cores", machine.cores},
              {"instructions", machine.isa},          {"bf16", machine.bf16},
              {"memory_bytes", machine.memory_bytes}, {"available_bytes", machine.available_bytes}};
}

/// Where libtorch is, and what it says of itself once loaded.
Json libtorch_report(std::string& problem) {
  const TorchSearch search = find_torch(program_path());
  Json report = Json::object();
  report["found"] = search.found.has_value();
  if (search.found) {
    report["folder"] = search.found->folder.native();
    report["origin"] = search.found->origin;
    report["version"] = search.found->version;
    try {
      Terminal terminal(true);
      report["runtime"] = call_library("runtime-info", Json::object(), terminal);
    } catch (const Error& error) {
      problem = error.what();
    }
  } else {
    problem = search.problem;
  }
  report["refused"] = Json::array();
  for (const TorchCandidate& candidate : search.refused) {
    report["refused"].push_back({{"folder", candidate.folder.native()},
                                 {"origin", candidate.origin},
                                 {"why", candidate.refusal}});
  }
  return report;
}

Json gpu_report() {
  const GpuSearch search = find_gpus();
  Json report = {{"found", Json::array()}};
  for (const Gpu& gpu : search.found) {
    report["found"].push_back({{"name", gpu.name},
                               {"memory_bytes", gpu.memory_bytes},
                               {"compute_capability", gpu.compute_capability}});
  }
  if (!search.problem.empty()) report["why_not"] = search.problem;
  return report;
}

Json disk_report() {
  const fs::path cache = cache_folder();
  struct statvfs state = {};
  uint64_t free_bytes = 0;
  if (::statvfs(existing_part(cache).c_str(), &state) == 0) {
    free_bytes = uint64_t{state.f_bavail} * state.f_frsize;
  }
  std::error_code ignored;
  return Json{{"folder", cache.native()},
              {"exists", fs::exists(cache, ignored)},
              {"free_bytes", free_bytes}};
}

std::string joined(const Json& words) {
  std::string text;
  for (const Json& word : words) text += (text.empty() ? "" : " ") + word.get<std::string>();
  return text.empty() ? "none of those that matter" : text;
}

std::string text_of(const Json& report) {
  const Json& machine = report["machine"];
  std::string text = fmt::format("iclora     {}\n", report["build"].get<std::string>());
  text += fmt::format("processor  {}, {} cores; {}\n", machine["processor"].get<std::string>(),
                      machine["cores"].get<int64_t>(), joined(machine["instructions"]));
  text += fmt::format("bf16       {}\n", machine["bf16"].get<bool>()
                                             ? "in hardware; the default precision"
                                             : "not in hardware; fp32 is the default precision");
  text +=
      fmt::format("memory     {}, {} free\n", bytes_text(machine["memory_bytes"].get<uint64_t>()),
                  bytes_text(machine["available_bytes"].get<uint64_t>()));
  const Json& torch = report["libtorch"];
  if (torch["found"].get<bool>()) {
    text += fmt::format("libtorch   {} in {} ({})\n", torch["version"].get<std::string>(),
                        torch["folder"].get<std::string>(), torch["origin"].get<std::string>());
    if (torch.contains("runtime")) {
      const Json& runtime = torch["runtime"];
      text += fmt::format("           loads; {} code, {} threads\n",
                          runtime["cpu_capability"].get<std::string>(),
                          runtime["threads"].get<int64_t>());
    }
  } else {
    text += "libtorch   not found\n";
    for (const Json& refused : torch["refused"]) {
      text += fmt::format("           {}: {}\n", refused["folder"].get<std::string>(),
                          refused["why"].get<std::string>());
    }
  }
  const Json& gpus = report["gpu"];
  for (const Json& gpu : gpus["found"]) {
    text +=
        fmt::format("gpu        {}, {}, compute capability {}\n", gpu["name"].get<std::string>(),
                    bytes_text(gpu["memory_bytes"].get<uint64_t>()),
                    gpu["compute_capability"].get<std::string>());
  }
  if (gpus.contains("why_not")) {
    text += fmt::format("gpu        none: {}\n", gpus["why_not"].get<std::string>());
  }
  text += fmt::format("cache      {}{}, {} free on its disk\n",
                      report["cache"]["folder"].get<std::string>(),
                      report["cache"]["exists"].get<bool>() ? "" : " (not made yet)",
                      bytes_text(report["cache"]["free_bytes"].get<uint64_t>()));
  return text;
}

void run(bool json) {
  std::string problem;
  Json report = {{"build", build_id()}, {"machine", machine_report()}};
  report["libtorch"] = libtorch_report(problem);
  report["gpu"] = gpu_report();
  report["cache"] = disk_report();
  report["ok"] = problem.empty();
  if (!problem.empty()) report["problem"] = problem;
  if (json) {
    print_json(report);
  } else {
    print_result(text_of(report));
  }
  if (!problem.empty()) fail_input("{}", problem);
}

}  // namespace

void add_doctor(CLI::App& app, Context& context) {
  CLI::App* command =
      add_command(app, "doctor", "Says what this machine has, what is missing, and what to do.",
                  {{"iclora doctor", ""}, {"iclora doctor --json", "for scripts and bug reports"}});
  auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "One JSON object on stdout");
  command->callback([json, &context] { context.run = [json] { run(*json); }; });
}

}  // namespace iclora::cli
