// iclora inspect: what a file or folder is.

#include <map>
#include <memory>

#include "cli/commands.h"
#include "cli/inspect_report.h"
#include "cli/model_coverage.h"
#include "cli/output.h"
#include "core/error.h"

namespace iclora::cli {
namespace {

std::string plain(const Json& value) {
  return value.is_string() ? printable(value.get<std::string>(), 2000)
                           : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string shape_text(const Json& shape) {
  std::string text;
  for (const Json& axis : shape) {
    text += (text.empty() ? "" : ", ") + std::to_string(axis.get<int64_t>());
  }
  return "[" + text + "]";
}

std::string counts_line(const Json& report) {
  std::string dtypes;
  for (const auto& [name, count] : report["dtypes"].items()) {
    dtypes += fmt::format("{}{} {}", dtypes.empty() ? "" : ", ", count.get<int64_t>(), name);
  }
  return fmt::format("{} tensors ({}), {} parameters, {}", report["tensor_count"].get<int64_t>(),
                     dtypes, report["parameters"].get<int64_t>(),
                     bytes_text(report["bytes"].get<uint64_t>()));
}

std::string group_lines(const Json& tensors) {
  std::map<std::string, int64_t> groups;
  for (const auto& [name, tensor] : tensors.items()) {
    const std::string pattern = name_pattern(name);
    const std::string line =
        fmt::format("{} {} {}", pattern, plain(tensor["dtype"]), shape_text(tensor["shape"]));
    groups[line] += 1;
  }
  std::string text;
  for (const auto& [line, count] : groups) {
    text += "  " + printable(line, 400) + (count > 1 ? fmt::format(" x {}", count) : "") + "\n";
  }
  return text;
}

std::string metadata_lines(const Json& metadata) {
  std::string text;
  for (const auto& [key, value] : metadata.items()) {
    text += fmt::format("  {}: {}\n", printable(key), plain(value));
  }
  return text.empty() ? "" : "metadata\n" + text;
}

std::string lora_text(const Json& report) {
  std::string text =
      fmt::format("LoRA in the {} layout\n{}\n", plain(report["layout"]), counts_line(report));
  if (report.contains("modules")) {
    text += fmt::format("{} modules, rank {}, scale {}\n", report["modules"].get<int64_t>(),
                        plain(report["ranks"]), plain(report["scales"]));
    text += "targets\n";
    for (const Json& target : report["targets"]) {
      text +=
          fmt::format("  {} x {}: rank {}, {} to {}\n", plain(target["module"]),
                      target["count"].get<int64_t>(), target["rank"].get<int64_t>(),
                      target["in_features"].get<int64_t>(), target["out_features"].get<int64_t>());
    }
    text += fmt::format("unmatched keys: {}\n", report["unmatched"].size());
    for (const Json& key : report["unmatched"]) text += "  " + plain(key) + "\n";
  } else {
    text += "tensors\n" + group_lines(report["tensors"]);
  }
  return text + metadata_lines(report["metadata"]);
}

std::string tensors_text(const Json& report) {
  return fmt::format("tensors; component of a FLUX.1 model: {}\n{}\ntensors\n",
                     plain(report["component"]), counts_line(report)) +
         group_lines(report["tensors"]) + metadata_lines(report["metadata"]);
}

std::string coverage_text(const Json& coverage) {
  std::string text =
      fmt::format("  coverage: {} of {} tensors that the config asks for\n",
                  coverage["found"].get<int64_t>(), coverage["expected"].get<int64_t>());
  for (const char* list : {"missing", "wrong_shape", "unexpected"}) {
    for (const Json& name : coverage[list]) {
      text += fmt::format("    {}: {}\n", list == std::string("wrong_shape") ? "wrong shape" : list,
                          plain(name));
    }
  }
  return text;
}

std::string model_text(const Json& report) {
  std::string text = fmt::format("FLUX.1 model folder, {} guidance embedding\n",
                                 report["guidance"].get<bool>() ? "with" : "without");
  if (report.contains("native_panel")) {
    text += fmt::format("native panel {}\n", plain(report["native_panel"]));
  }
  for (const auto& [name, component] : report["components"].items()) {
    text += fmt::format("{}: {}\n", name, counts_line(component));
    std::string config;
    for (const auto& [key, value] : component["config"].items()) {
      if (key.starts_with('_')) continue;
      config += fmt::format("{}{} {}", config.empty() ? "" : ", ", printable(key), plain(value));
    }
    text += "  config: " + config + "\n";
    text += coverage_text(component["coverage"]);
  }
  return text;
}

std::string picture_text(const Json& report) {
  std::string text = "picture\n";
  for (const auto& [key, value] : report.items()) {
    if (key == "kind" || key == "texts" || key == "iclora") continue;
    text += fmt::format("  {}: {}\n", key, plain(value));
  }
  if (report.contains("iclora")) {
    text += "request\n";
    for (const auto& [key, value] : report["iclora"].items()) {
      text += fmt::format("  {}: {}\n", printable(key), plain(value));
    }
  }
  return text + metadata_lines(report["texts"]);
}

void run(const std::string& path, bool json) {
  Json report = inspect_report(path);
  const std::string kind = report["kind"].get<std::string>();
  if (kind == "model") {
    const Json coverage = model_coverage(weights::open_model_folder(path));
    for (const auto& [name, entry] : coverage.items()) {
      report["components"][name]["coverage"] = entry;
    }
  }
  if (json) {
    print_json(report);
  } else if (kind == "model") {
    print_result(model_text(report));
  } else if (kind == "lora") {
    print_result(lora_text(report));
  } else if (kind == "tensors") {
    print_result(tensors_text(report));
  } else {
    print_result(picture_text(report));
  }
}

}  // namespace

void add_inspect(CLI::App& app, Context& context) {
  CLI::App* command = add_command(
      app, "inspect",
      "Says what a file or folder is: model, LoRA, tensors, picture; shapes, dtypes, metadata.",
      {{"iclora inspect storyboard.safetensors", "a LoRA: layout, rank, targets, metadata"},
       {"iclora inspect model/", "a model folder: sizes, and whether its tensors are complete"},
       {"iclora inspect canvas-01.png --json", "a picture: the request that it carries"}});
  struct Options {
    std::string path;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  auto* path = command->add_option("PATH", options->path, "A file or a folder")->type_name("");
  command->add_flag("--json", options->json, "One JSON object on stdout");
  command->callback([=, &context] {
    context.run = [=] {
      need(*command, *path, "the file or folder (PATH)");
      run(options->path, options->json);
    };
  });
}

}  // namespace iclora::cli
