// iclora split: a canvas back into its panels.

#include <memory>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/signals.h"
#include "core/error.h"
#include "core/file.h"
#include "panels/split_picture.h"

namespace iclora::cli {
namespace {

struct Options {
  std::string image;
  std::optional<std::string> grid;
  std::string out;
  bool json = false;
};

void run(const Options& options) {
  std::optional<panels::Grid> grid;
  if (options.grid) grid = panels::parse_grid(*options.grid);
  const std::filesystem::path out = options.out;
  std::error_code ignored;
  if (options.out.empty()) fail_input("--out is empty; name a folder");
  if (std::filesystem::exists(out, ignored) && !std::filesystem::is_directory(out, ignored)) {
    fail_input("--out is '{}', which is a file; name a folder", printable(options.out, 400));
  }
  watch_signals();  // without a look at the flag: what is begun here is soon finished
  check_writable(out / "1.png");
  const auto paths = panels::split_picture(options.image, grid, out);
  if (options.json) {
    Json result = {{"panels", Json::array()}};
    for (const auto& path : paths) result["panels"].push_back(path.native());
    print_json(result);
    return;
  }
  std::string text;
  for (const auto& path : paths) text += path.native() + "\n";
  print_result(text);
}

}  // namespace

void add_split(CLI::App& app, Context& context) {
  CLI::App* command = add_command(
      app, "split", "Cuts a canvas into its panels: 1.png, 2.png, ... in reading order.",
      {{"iclora split canvas-01.png --out panels/", "a canvas that iclora made knows its layout"},
       {"iclora split storyboard.jpg --grid 3x1 --out panels/", "any other picture"}});
  auto options = std::make_shared<Options>();
  auto* image = command->add_option("IMAGE", options->image, "PNG, JPEG or WebP")->type_name("");
  command->add_option("--grid", options->grid, "Rows x columns; else from the picture's metadata")
      ->type_name("RxC");
  auto* out = command->add_option("--out", options->out, "Folder for the panels")->type_name("DIR");
  command->add_flag("--json", options->json, "One JSON object on stdout");
  command->callback([=, &context] {
    context.run = [=] {
      need(*command, *image, "the picture (IMAGE)");
      need(*command, *out, "--out DIR");
      run(*options);
    };
  });
}

}  // namespace iclora::cli
