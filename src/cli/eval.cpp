// iclora eval: held-out captions through a model, every panel read by the classifier.

#include <limits>
#include <memory>
#include <optional>

#include "cli/commands.h"
#include "cli/library.h"
#include "cli/numbers.h"
#include "cli/output.h"
#include "core/error.h"
#include "core/file.h"
#include "panels/grid.h"

namespace iclora::cli {
namespace {

struct Options {
  std::optional<std::string> model, captions, classifier, drawings, grid, panel, count, steps,
      guidance, cfg, seed, batch, text_length, dtype, threads, out;
  bool pictures = false;
  bool json = false;
  bool quiet = false;
};

Json request_of(const Options& options) {
  Json request = {
      {"model", *options.model}, {"captions", *options.captions}, {"out", *options.out}};
  if (options.out->empty()) fail_input("--out is empty; name a folder.");
  const auto text = [&](const char* key, const std::optional<std::string>& value) {
    if (value) request[key] = *value;
  };
  text("classifier", options.classifier);
  text("drawings", options.drawings);
  text("dtype", options.dtype);
  if (options.grid) request["grid"] = panels::to_string(panels::parse_grid(*options.grid));
  if (options.panel) {
    const PixelSize size = parse_pixel_size(*options.panel, "--panel");
    request["panel"] = fmt::format("{}x{}", size.width, size.height);
  }
  const auto integer = [&](const char* key, const std::optional<std::string>& value,
                           const char* option, int64_t low, int64_t high) {
    if (value) request[key] = parse_integer(*value, option, low, high);
  };
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  integer("count", options.count, "--count", 1, kMost);
  integer("steps", options.steps, "--steps", 1, 1000);
  integer("seed", options.seed, "--seed", 0, kMost);
  integer("batch", options.batch, "--batch", 1, 1024);
  integer("text_length", options.text_length, "--text-length", 1, 4096);
  integer("threads", options.threads, "--threads", 1, 1024);
  if (options.guidance) {
    request["guidance"] = parse_number(*options.guidance, "--guidance", 0, 1000);
  }
  if (options.cfg) request["cfg"] = parse_number(*options.cfg, "--cfg", 0, 1000);
  request["pictures"] = options.pictures;
  request["model_search"] = Json::array();
  for (const auto& folder : model_search()) request["model_search"].push_back(folder.native());
  return request;
}

std::string share_text(const Json& share) {
  return fmt::format("{:5.1f} % ({:.1f} to {:.1f}), {} of {}", 100 * share["share"].get<double>(),
                     100 * share["low"].get<double>(), 100 * share["high"].get<double>(),
                     share["right"].get<int64_t>(), share["of"].get<int64_t>());
}

std::string table(const Json& report) {
  std::string text;
  for (const auto& [grid, score] : report["grids"].items()) {
    text += fmt::format("{}: {} canvases, {} panels\n", grid, score["canvases"].get<int64_t>(),
                        score["panels"].get<int64_t>());
    for (const auto& [column, share] : score["columns"].items()) {
      text += fmt::format("  {:12} {}", column, share_text(share));
      if (const auto other = share["from_other_panel"].get<int64_t>(); other > 0) {
        text += fmt::format("; {} show another panel's", other);
      }
      text += "\n";
    }
    text += fmt::format("  {:12} {}\n", "all of these", share_text(score["all"]));
  }
  if (report.contains("distance")) {
    const Json& distance = report["distance"];
    text += fmt::format("distance to drawings: Frechet {:.3f}, means {:.3f} ({} panels)\n",
                        distance["frechet"].get<double>(), distance["mean"].get<double>(),
                        distance["panels"].get<int64_t>());
  }
  return text + report["report"].get<std::string>() + "\n" + report["sheet"].get<std::string>() +
         "\n";
}

void run(const Options& options) {
  const Json request = request_of(options);
  Json report;
  {
    Terminal terminal(options.quiet);
    report = call_library("eval", request, terminal);
    terminal.message(false, fmt::format("done in {}, {} of memory at most",
                                        duration_text(report["seconds"].get<double>()),
                                        bytes_text(report["peak_bytes"].get<uint64_t>())));
  }
  if (options.json) {
    print_json(report);
  } else {
    print_result(table(report));
  }
}

}  // namespace

void add_eval(CLI::App& app, Context& context) {
  CLI::App* command = add_command(
      app, "eval", "Draws held-out captions with a model and has a classifier read every panel.",
      {{"iclora eval --model flux-mini --captions held-out.jsonl --out measured",
        "the share right by column, with 95 % intervals: measured/eval.json and "
        "measured/sheet.png"},
       {"iclora eval --model flux-mini --captions held-out.jsonl --grid 2x2 --count 50 --cfg 2 "
        "--classifier classifier.safetensors --drawings drawings.safetensors --out measured",
        "fifty canvases of four panels, and how far their features are from real drawings'"}});
  const auto options = std::make_shared<Options>();
  const auto text = [&](const char* name, std::optional<std::string>& value, const char* help,
                        const char* type) {
    return command->add_option(name, value, help)->type_name(type);
  };
  auto* model = text("--model", options->model, "Model folder, or a name", "DIR|NAME");
  auto* captions =
      text("--captions", options->captions,
           "Captions with what each panel must show, as tools/world/draw captions writes them",
           "FILE.jsonl");
  text("--classifier", options->classifier, "What reads the panels; else the one that is installed",
       "FILE");
  text("--drawings", options->drawings,
       "Features of real drawings, for the distance to them; none by default", "FILE");
  text("--grid", options->grid, "Only captions of this grid", "RxC");
  text("--panel", options->panel, "Pixels of a panel; else as the model has it", "WxH");
  text("--count", options->count, "Only the first N captions of each grid", "N");
  text("--steps", options->steps, "Denoising steps; 20 by default", "N");
  text("--guidance", options->guidance, "Distilled guidance; 3.5 by default", "S");
  text("--cfg", options->cfg, "True classifier-free guidance; off by default, twice the work", "S");
  text("--seed", options->seed, "Of the first caption, the next ones count on; 0 by default", "N");
  text("--batch", options->batch, "Canvases at once; 8 by default", "N");
  text("--text-length", options->text_length, "T5 tokens; else as the model has it", "N");
  text("--dtype", options->dtype, "fp32 or bf16; bf16 by default where the processor has it",
       "NAME");
  text("--threads", options->threads, "Processor threads; all by default", "N");
  auto* out = text("--out", options->out, "Folder for eval.json and sheet.png", "DIR");
  command->add_flag("--pictures", options->pictures,
                    "Also write every canvas: canvas-0001.png ...");
  command->add_flag("--quiet", options->quiet, "No progress");
  command->add_flag("--json", options->json, "One JSON object on stdout, without single canvases");
  command->callback([=, &context] {
    context.run = [=] {
      need(*command, *model, "--model DIR|NAME");
      need(*command, *captions, "--captions FILE.jsonl");
      need(*command, *out, "--out DIR");
      run(*options);
    };
  });
}

}  // namespace iclora::cli
