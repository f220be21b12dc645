// iclora eval: held-out captions through a model, every panel read by the classifier; held-out sets
// drawn by a model with and without adapters.

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/eval_text.h"
#include "cli/generate_request.h"
#include "cli/library.h"
#include "cli/numbers.h"
#include "cli/output.h"
#include "cli/torch_folder.h"
#include "core/error.h"
#include "core/file.h"
#include "panels/grid.h"

namespace iclora::cli {
namespace {

struct Options {
  std::optional<std::string> model, captions, sets, run, plan, classifier, drawings, grid, panel,
      count, repeat, steps, guidance, cfg, seed, batch, text_length, dtype, threads, out;
  std::vector<std::string> loras, only;
  bool dry_run = false;
  bool allow_unmatched = false;
  bool no_base = false;
  bool pictures = false;
  bool json = false;
  bool quiet = false;
};

Json request_of(const Options& options) {
  Json request = {{"out", *options.out}};
  if (options.out->empty()) fail_input("--out is empty; name a folder.");
  const auto text = [&](const char* key, const std::optional<std::string>& value) {
    if (value) request[key] = *value;
  };
  text("model", options.model);
  text("captions", options.captions);
  text("sets", options.sets);
  text("run", options.run);
  text("plan", options.plan);
  if (options.plan) request["cache"] = cache_folder().native();
  if (!options.only.empty()) request["only"] = options.only;
  if (options.dry_run) request["dry_run"] = true;
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
  integer("repeat", options.repeat, "--repeat", 1, 1000);
  for (const std::string& lora : options.loras) request["loras"].push_back(parse_lora(lora));
  if (options.allow_unmatched) request["allow_unmatched"] = true;
  if (options.no_base) request["base"] = false;
  request["pictures"] = options.pictures;
  request["model_search"] = Json::array();
  for (const auto& folder : model_search()) request["model_search"].push_back(folder.native());
  return request;
}

/// What a plan says itself.
void check_plan(const Options& options) {
  const bool others = options.captions || options.sets || options.run;
  if (others) fail_input("--plan names its own sets; leave --sets, --run and --captions out.");
  const std::pair<bool, const char*> own[] = {{options.drawings.has_value(), "--drawings"},
                                              {options.grid.has_value(), "--grid"},
                                              {options.panel.has_value(), "--panel"},
                                              {options.count.has_value(), "--count"},
                                              {options.repeat.has_value(), "--repeat"},
                                              {options.steps.has_value(), "--steps"},
                                              {options.guidance.has_value(), "--guidance"},
                                              {options.cfg.has_value(), "--cfg"},
                                              {options.seed.has_value(), "--seed"},
                                              {options.batch.has_value(), "--batch"},
                                              {options.dtype.has_value(), "--dtype"},
                                              {options.text_length.has_value(), "--text-length"},
                                              {!options.loras.empty(), "--lora"},
                                              {options.no_base, "--no-base"},
                                              {options.allow_unmatched, "--allow-unmatched"},
                                              {options.pictures, "--pictures"}};
  for (const auto& [given, option] : own) {
    if (given) fail_input("{} is the plan's to say; write it into '{}'.", option, *options.plan);
  }
  need_file(*options.plan, "--plan");
}

/// Options of one of the forms beside those of another.
void check(const Options& options) {
  if (options.plan) return check_plan(options);
  if (options.dry_run) fail_input("--dry-run belongs to --plan FILE.");
  if (!options.only.empty()) fail_input("--only belongs to --plan FILE.");
  const bool sets = options.sets || options.run;
  if (sets && options.captions) {
    fail_input("{} and --captions are two different measurements; give one of them.",
               options.run ? "--run" : "--sets");
  }
  const auto refuse = [&](bool given, const char* option) {
    if (given) fail_input("{} belongs to {}.", option, sets ? "--captions FILE" : "--sets DIR");
  };
  if (sets) {
    refuse(options.drawings.has_value(), "--drawings");
    if (options.run && !options.loras.empty()) {
      fail_input("--run takes the run's own adapters; leave out --lora.");
    }
  } else {
    refuse(!options.loras.empty(), "--lora");
    refuse(options.no_base, "--no-base");
    refuse(options.repeat.has_value(), "--repeat");
  }
}

void run(const Options& options) {
  check(options);
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
    print_result(options.plan                  ? study_text(report)
                 : options.sets || options.run ? comparison_text(report)
                                               : captions_text(report));
  }
}

}  // namespace

void add_eval(CLI::App& app, Context& context) {
  CLI::App* command = add_command(
      app, "eval", "Draws held-out captions or sets with a model and measures what comes out.",
      {{"iclora eval --model flux-mini --captions held-out.jsonl --out measured",
        "the share right by column, with 95 % intervals: measured/eval.json and "
        "measured/sheet.png"},
       {"iclora eval --model flux-mini --captions held-out.jsonl --grid 2x2 --count 50 --cfg 2 "
        "--classifier classifier.safetensors --drawings drawings.safetensors --out measured",
        "fifty canvases of four panels, and how far their features are from real drawings'"},
       {"iclora eval --model flux-mini --sets storyboards/held-out --lora storyboard.safetensors "
        "--out measured",
        "the model without and with an adapter on the same captions and seeds: "
        "measured/eval.json, eval.html and sheet.png"},
       {"iclora eval --run runs/storyboard --sets storyboards/held-out --out measured",
        "which of the adapters that a training has saved is best"},
       {"iclora eval --plan examples/comparison.yaml --out compared",
        "the comparison that a plan describes, trainings included; the same command goes on after "
        "a "
        "stop (docs/study.md)"}});
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
  auto* sets = text("--sets", options->sets,
                    "Held-out sets, as any data set, to draw anew and to compare with; with "
                    "labels.jsonl beside them panels are read, else only pixels are measured",
                    "DIR");
  auto* run_folder =
      text("--run", options->run,
           "A training's folder: every adapter that it has saved, on --sets or on the sets that it "
           "held out (data.validation); names the best and warns of overfitting",
           "DIR");
  auto* plan =
      text("--plan", options->plan,
           "A comparison: tasks, trainings and ways of drawing; what is there is used again",
           "FILE.yaml");
  command->add_option("--only", options->only, "With --plan: only this task; repeatable")
      ->type_name("TASK")
      ->allow_extra_args(false);
  command->add_flag("--dry-run", options->dry_run,
                    "With --plan: read and check everything, and list what there is to do");
  command
      ->add_option("--lora", options->loras,
                   "With --sets: an adapter and its strength (1 by default), a row of its own; "
                   "repeatable")
      ->type_name("FILE[:S]")
      ->allow_extra_args(false);
  command->add_flag("--allow-unmatched", options->allow_unmatched,
                    "Leave out what of an adapter matches nothing in the model");
  command->add_flag("--no-base", options->no_base, "With --sets: no row without adapter");
  text("--repeat", options->repeat, "With --sets: canvases a set; 1 by default", "N");
  text("--classifier", options->classifier, "What reads the panels; else the one that is installed",
       "FILE");
  text("--drawings", options->drawings,
       "Features of real drawings, for the distance to them; none by default", "FILE");
  text("--grid", options->grid, "Only captions of this grid", "RxC");
  text("--panel", options->panel, "Pixels of a panel; else as the model has it", "WxH");
  text("--count", options->count, "Only the first N captions of each grid, or sets", "N");
  text("--steps", options->steps, "Denoising steps; 20 by default", "N");
  text("--guidance", options->guidance, "Distilled guidance; 3.5 by default", "S");
  text("--cfg", options->cfg, "True classifier-free guidance; off by default, twice the work", "S");
  text("--seed", options->seed, "Of the first canvas, the next ones count on; 0 by default", "N");
  text("--batch", options->batch, "Canvases at once; 8 by default", "N");
  text("--text-length", options->text_length, "T5 tokens; else as the model has it", "N");
  text("--dtype", options->dtype, "fp32 or bf16; bf16 by default where the processor has it",
       "NAME");
  text("--threads", options->threads, "Processor threads; all by default", "N");
  auto* out =
      text("--out", options->out, "Folder for eval.json, sheet.png and, of sets, eval.html", "DIR");
  command->add_flag("--pictures", options->pictures, "Also write every canvas");
  command->add_flag("--quiet", options->quiet, "No progress");
  command->add_flag("--json", options->json, "One JSON object on stdout, without single canvases");
  command->callback([=, &context] {
    context.run = [=] {
      if (sets->count() == 0 && run_folder->count() == 0 && plan->count() == 0) {
        need(*command, *captions, "--captions FILE.jsonl, --sets DIR, --run DIR or --plan FILE");
        need(*command, *model, "--model DIR|NAME");
      }
      need(*command, *out, "--out DIR");
      run(*options);
    };
  });
}

}  // namespace iclora::cli
