// iclora dataset show: a contact sheet.

#include <filesystem>
#include <memory>

#include "cli/dataset.h"
#include "cli/numbers.h"
#include "cli/output.h"
#include "cli/terminal_progress.h"
#include "core/error.h"
#include "core/file.h"
#include "core/log.h"
#include "dataset/read_sets.h"
#include "dataset/sheet.h"
#include "panels/split_picture.h"

namespace iclora::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string path;
  std::string out;
  std::optional<std::string> columns, width;
  LayoutWords layout;
  bool json = false;
};

/// sheet.png, sheet-2.png, ...
std::string page_name(const fs::path& out, size_t page) {
  const std::string stem = out.stem().native();
  return (page == 0 ? stem : fmt::format("{}-{}", stem, page + 1)) + ".png";
}

void run(const Options& options) {
  const fs::path out = options.out;
  if (out.extension() != ".png") {
    fail_input("--out is '{}'; name a picture that ends in .png", printable(options.out, 400));
  }
  dataset::SheetOptions sheet;
  if (options.columns) sheet.columns = parse_integer(*options.columns, "--columns", 1, 32);
  if (options.width) sheet.width = parse_integer(*options.width, "--width", 256, 16384);
  const dataset::DataOptions data = layout_options(options.layout);
  check_writable(out);
  dataset::Scan scan = dataset::scan_sets(options.path, {data.grid});
  const dataset::Plan plan = dataset::plan_sets(scan.sets, data, scan.problems);
  if (plan.training.empty()) dataset::throw_errors(scan.problems, options.path);
  TerminalProgress progress;
  const auto pages = dataset::contact_sheets(scan.sets, plan, data, sheet, progress);
  progress.end();
  std::vector<panels::NamedPicture> pictures;
  for (size_t i = 0; i < pages.size(); ++i) pictures.push_back({page_name(out, i), pages[i], {}});
  const fs::path folder = out.has_parent_path() ? out.parent_path() : fs::path(".");
  const auto paths = panels::write_pictures(folder, pictures);
  for (const dataset::Problem& problem : scan.problems) {
    log::warning("{}", dataset::line_of(problem));
  }
  if (options.json) {
    Json json = {{"sets", scan.sets.size()}, {"pages", Json::array()}};
    for (const fs::path& path : paths) json["pages"].push_back(path.native());
    print_json(json);
    return;
  }
  std::string text;
  for (const fs::path& path : paths) text += path.native() + "\n";
  print_result(text);
}

}  // namespace

void add_dataset_show(CLI::App& dataset, Context& context) {
  CLI::App* command = add_command(
      dataset, "show", "Draws a contact sheet: every set as it is laid out, with its caption.",
      {{"iclora dataset show sets/ --out sheet.png", "several pages: sheet.png, sheet-2.png, ..."},
       {"iclora dataset show sets/ --panel 64x64 --columns 8 --out sheet.png",
        "as a training with small panels sees them"}});
  auto options = std::make_shared<Options>();
  auto* path =
      command->add_option("PATH", options->path, "A folder, or a sets.jsonl")->type_name("");
  auto* out = command->add_option("--out", options->out, "Picture to write")->type_name("FILE.png");
  command->add_option("--columns", options->columns, "Sets side by side, 3 by default")
      ->type_name("N");
  command->add_option("--width", options->width, "Width of a page in pixels, 1600 by default")
      ->type_name("N");
  add_layout_options(*command, options->layout);
  command->add_flag("--json", options->json, "One JSON object on stdout");
  command->callback([=, &context] {
    context.run = [=] {
      need(*command, *path, "the data set (PATH)");
      need(*command, *out, "--out FILE.png");
      run(*options);
    };
  });
}

}  // namespace iclora::cli
