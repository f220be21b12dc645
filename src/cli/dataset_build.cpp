// iclora dataset build: a data set written anew, cut, fitted and laid out.

#include <memory>

#include "cli/dataset.h"
#include "cli/output.h"
#include "cli/terminal_progress.h"
#include "core/error.h"
#include "core/file.h"
#include "core/log.h"
#include "dataset/build.h"

namespace iclora::cli {
namespace {

struct Options {
  std::string path;
  std::string out;
  std::string form = "folders";
  LayoutWords layout;
  bool json = false;
};

dataset::Form parse_form(const std::string& text) {
  if (text == "folders") return dataset::Form::folders;
  if (text == "manifest") return dataset::Form::manifest;
  if (text == "canvases") return dataset::Form::canvases;
  fail_input("--form must be folders, manifest or canvases, but it is '{}'", printable(text));
}

void run(const Options& options) {
  dataset::BuildOptions build;
  build.data = layout_options(options.layout);
  build.form = parse_form(options.form);
  if (options.out.empty()) fail_input("--out is empty; name a folder");
  TerminalProgress progress;  // from here on a signal leaves nothing behind
  check_writable(options.out);
  const dataset::Built built = dataset::build_data_set(options.path, options.out, build, progress);
  progress.end();
  for (const dataset::Problem& problem : built.warnings) {
    log::warning("{}", dataset::line_of(problem));
  }
  if (options.json) {
    print_json({{"out", options.out},
                {"sets", built.sets},
                {"pictures", built.pictures},
                {"warnings", dataset::problems_to_json(built.warnings)}});
  } else {
    print_result(fmt::format("{} sets of {} panels in {}\n", built.sets, built.pictures,
                             printable(options.out, 400)));
  }
}

}  // namespace

void add_dataset_build(CLI::App& dataset, Context& context) {
  CLI::App* command = add_command(
      dataset, "build", "Writes a data set anew: pictures cut, fitted and laid out, captions read.",
      {{"iclora dataset build photos/ --out sets/", "a folder of pictures for each set"},
       {"iclora dataset build movie-shots/ --out sets/", "glued canvases, cut by their markers"},
       {"iclora dataset build sets/ --form canvases --panel 512x512 --out glued/",
        "panels of one size, glued"}});
  auto options = std::make_shared<Options>();
  auto* path =
      command->add_option("PATH", options->path, "Folders of pictures, sets.jsonl, canvases")
          ->type_name("");
  auto* out = command->add_option("--out", options->out, "Folder to write, empty or not there yet")
                  ->type_name("DIR");
  command->add_option("--form", options->form, "folders (default), manifest or canvases")
      ->type_name("FORM");
  add_layout_options(*command, options->layout);
  command->add_flag("--json", options->json, "One JSON object on stdout");
  command->callback([=, &context] {
    context.run = [=] {
      need(*command, *path, "the pictures (PATH)");
      need(*command, *out, "--out DIR");
      run(*options);
    };
  });
}

}  // namespace iclora::cli
