#include "cli/dataset.h"
#include "cli/numbers.h"
#include "core/error.h"

namespace iclora::cli {
namespace {

dataset::Centre parse_centre(const std::string& text) {
  const size_t comma = text.find(',');
  if (comma == std::string::npos) {
    fail_input("--centre must be X,Y, both from 0 to 1, such as 0.5,0.2, but it is '{}'",
               printable(text));
  }
  return {parse_number(std::string_view(text).substr(0, comma), "--centre X", 0, 1),
          parse_number(std::string_view(text).substr(comma + 1), "--centre Y", 0, 1)};
}

dataset::Fit::Kind parse_fit(const std::string& text) {
  if (text == "cover") return dataset::Fit::Kind::cover;
  if (text == "contain") return dataset::Fit::Kind::contain;
  fail_input("--fit must be cover or contain, but it is '{}'", printable(text));
}

}  // namespace

void add_layout_options(CLI::App& command, LayoutWords& words) {
  command
      .add_option("--grid", words.grid,
                  "Rows x columns of every set; else what each set says (manifest, markers)")
      ->type_name("RxC");
  command.add_option("--panel", words.panel, "Size of every panel; else from the pictures")
      ->type_name("WxH");
  command
      .add_option("--fit", words.fit,
                  "cover: fill the panel, cut what does not fit; contain: all of the picture")
      ->type_name("cover|contain");
  command.add_option("--centre", words.centre, "Which part stays when cut, from 0,0 to 1,1")
      ->type_name("X,Y");
  command.add_option("--gutter", words.gutter, "Pixels between panels, a multiple of 16")
      ->type_name("N");
  command
      .add_option("--dialect", words.dialect,
                  "Markers: scene, image, panel, sides, halves, corners; else the caption's own")
      ->type_name("NAME");
  command.add_option("--trigger", words.trigger, "Stands first in every caption")
      ->type_name("TEXT");
  command
      .add_option("--resolution", words.resolutions,
                  "Canvas area at most R x R; may be given several times")
      ->type_name("R")
      ->allow_extra_args(false);
}

dataset::DataOptions layout_options(const LayoutWords& words) {
  dataset::DataOptions options;
  if (words.grid) options.grid = panels::parse_grid(*words.grid);
  if (words.panel) {
    const PixelSize size = parse_pixel_size(*words.panel, "--panel");
    panels::check_token_multiple(size.width, size.height, "--panel");
    options.panel = panels::Size{size.width, size.height};
  }
  if (words.fit) options.fit.kind = parse_fit(*words.fit);
  if (words.centre) options.fit.centre = parse_centre(*words.centre);
  if (words.gutter) {
    options.gutter = parse_integer(*words.gutter, "--gutter", 0, panels::kLargestCanvas);
    panels::check_gutter(options.gutter, "--gutter");
  }
  if (words.dialect) options.dialect = captions::dialect_from_name(*words.dialect);
  if (words.trigger) options.trigger = *words.trigger;
  for (const std::string& text : words.resolutions) {
    options.resolutions.push_back(
        parse_integer(text, "--resolution", panels::kToken, panels::kLargestCanvas));
  }
  return options;
}

}  // namespace iclora::cli
