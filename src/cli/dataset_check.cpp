// iclora dataset check: everything that is wrong with a data set, at once.

#include <algorithm>
#include <memory>

#include "cli/dataset.h"
#include "cli/library.h"
#include "cli/output.h"
#include "core/error.h"
#include "core/log.h"
#include "dataset/check.h"
#include "weights/model_folder.h"

namespace iclora::cli {
namespace {

struct Options {
  std::string path;
  LayoutWords layout;
  std::optional<std::string> model;
  bool json = false;
};

std::string plural(size_t count, const std::string& word) {
  return fmt::format("{} {}{}", count, word, count == 1 ? "" : "s");
}

std::string text_of(const dataset::Report& report) {
  std::string grids;
  for (const auto& [grid, sets] : report.grids) {
    grids += fmt::format("{}{} of {}", grids.empty() ? ": " : ", ", sets, panels::to_string(grid));
  }
  std::string text = plural(report.sets, "set") + grids + "\n";
  for (const dataset::Problem& problem : report.problems) {
    text += fmt::format("{}: {}\n", dataset::name_of(problem.level), dataset::line_of(problem));
  }
  return text;
}

void run(const Options& options) {
  std::error_code ignored;
  if (!std::filesystem::exists(options.path, ignored)) {
    fail_input("'{}' is not there; check the path of the data set", printable(options.path, 400));
  }
  dataset::CheckOptions check;
  check.data = layout_options(options.layout);
  if (options.model) {
    check.tokens =
        dataset::token_limit_of_model(weights::resolve_model(*options.model, model_search()));
  } else {
    log::info("The length of captions is judged by their words; --model DIR counts their tokens.");
  }
  const dataset::Report report = dataset::check(options.path, check);
  if (options.json) {
    print_json(dataset::report_to_json(report));
  } else {
    print_result(text_of(report));
  }
  const auto errors = static_cast<size_t>(
      std::count_if(report.problems.begin(), report.problems.end(),
                    [](const auto& problem) { return problem.level == dataset::Level::error; }));
  if (errors == 0) return;
  const size_t warnings = report.problems.size() - errors;
  fail_input("'{}' has {} and {}; mend the errors, then check again", printable(options.path, 400),
             plural(errors, "error"), plural(warnings, "warning"));
}

}  // namespace

void add_dataset_check(CLI::App& dataset, Context& context) {
  CLI::App* command = add_command(
      dataset, "check",
      "Finds what is wrong with a data set, all at once, each with its file and its remedy.",
      {{"iclora dataset check sets/", "folders of panels, sets.jsonl or glued canvases"},
       {"iclora dataset check movie-shots/ --grid 3x1", "canvases whose captions have no markers"},
       {"iclora dataset check sets/ --model flux-dev/ --json", "with the model's own tokenizer"}});
  auto options = std::make_shared<Options>();
  auto* path =
      command->add_option("PATH", options->path, "A folder, or a sets.jsonl")->type_name("");
  add_layout_options(*command, options->layout);
  command
      ->add_option("--model", options->model, "Model folder whose tokenizer measures the captions")
      ->type_name("DIR");
  command->add_flag("--json", options->json, "One JSON object on stdout");
  command->callback([=, &context] {
    context.run = [=] {
      need(*command, *path, "the data set (PATH)");
      run(*options);
    };
  });
}

}  // namespace iclora::cli
