#include "cli/generate_request.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "captions/joint_caption.h"
#include "cli/library.h"
#include "cli/numbers.h"
#include "core/error.h"
#include "core/file.h"
#include "core/nearest.h"
#include "panels/layout.h"

namespace iclora::cli {
namespace {

namespace fs = std::filesystem;

std::string shown(const std::string& path) {
  return "'" + printable(path, 400) + "'";
}

/// A canvas that its panels divide into multiples of 16.
void check_canvas(const PixelSize& size, const panels::Grid& grid) {
  const int64_t across = grid.columns * panels::kToken;
  const int64_t down = grid.rows * panels::kToken;
  if (size.width % across == 0 && size.height % down == 0) return;
  const auto near = [](int64_t edge, int64_t unit) {
    return std::max(unit, (edge + unit / 2) / unit * unit);
  };
  fail_input(
      "--size is {}x{}, but each of its {} panels must have edges that are multiples of {}; the "
      "nearest is {}x{}",
      size.width, size.height, panels::to_string(grid), panels::kToken, near(size.width, across),
      near(size.height, down));
}

/// What the text encoders read must be text.
void need_utf8(const std::string& text, const char* option) {
  try {
    static_cast<void>(Json(text).dump());
  } catch (const Json::exception&) {
    fail_input("{} is not UTF-8 text: {}; convert it", option, shown(text));
  }
}

void need_utf8_texts(const GenerateOptions& options) {
  for (const auto& [text, option] :
       {std::pair{&options.prompt, "--prompt"}, {&options.negative_prompt, "--negative-prompt"}}) {
    if (*text) need_utf8(**text, option);
  }
  for (const std::string& part : options.panel_prompts) need_utf8(part, "--panel-prompt");
  for (const std::string& part : options.given.extend) need_utf8(part, "--extend");
  if (options.candidates.judge_hint) need_utf8(*options.candidates.judge_hint, "--judge-hint");
}

std::optional<panels::Grid> add_layout(const GenerateOptions& options, Json& request) {
  std::optional<panels::Grid> grid;
  if (options.grid) {
    grid = panels::parse_grid(*options.grid);
    request["grid"] = panels::to_string(*grid);
  }
  if (options.panel && options.size) {
    fail_input(
        "--size and --panel contradict each other; give the size of the canvas or of a "
        "panel");
  }
  if (options.panel) {
    const PixelSize size = parse_pixel_size(*options.panel, "--panel");
    panels::check_token_multiple(size.width, size.height, "--panel");
    if (grid) panels::grid_layout(*grid, size.width, size.height);
    request["panel"] = fmt::format("{}x{}", size.width, size.height);
  }
  if (options.size) {
    const PixelSize size = parse_pixel_size(*options.size, "--size");
    panels::check_token_multiple(size.width, size.height, "--size");
    if (grid) check_canvas(size, *grid);
    request["size"] = fmt::format("{}x{}", size.width, size.height);
  }
  if (!options.panel_prompts.empty()) {
    const auto parts = static_cast<int64_t>(options.panel_prompts.size());
    if (grid && parts != grid->count()) {
      fail_input(
          "--panel-prompt is given {} times, but the grid {} has {} panels; give one for "
          "each panel, or none",
          parts, panels::to_string(*grid), grid->count());
    }
    request["panel_prompts"] = options.panel_prompts;
  }
  if (options.dialect) {
    const captions::Dialect dialect = captions::dialect_from_name(*options.dialect);
    if (grid && grid->count() > 1) captions::markers(dialect, grid->count());
    request["dialect"] = captions::name_of(dialect);
  }
  if (options.method) {
    request["method"] = parse_choice(*options.method, "--method", {"canvas", "gdt"});
  }
  return grid;
}

void add_sampling(const GenerateOptions& options, Json& request) {
  constexpr int64_t kMostSteps = 10000, kMostCanvases = 10000;
  constexpr double kLargestGuidance = 1000, kLargestCfg = 100;
  if (options.negative_prompt && !options.cfg) {
    fail_input("--negative-prompt has no effect alone; add --cfg, such as --cfg 3");
  }
  if (options.cfg) {
    request["cfg"] = parse_number(*options.cfg, "--cfg", 1, kLargestCfg);
    request["negative_prompt"] = options.negative_prompt.value_or("");
    if (request["cfg"] == 1.0 && options.negative_prompt) {
      fail_input("--negative-prompt has no effect with --cfg 1; use a larger one, or leave it out");
    }
    if (request["cfg"] == 1.0) request.erase("negative_prompt");
  }
  if (options.steps) request["steps"] = parse_integer(*options.steps, "--steps", 1, kMostSteps);
  if (options.guidance) {
    request["guidance"] = parse_number(*options.guidance, "--guidance", 0, kLargestGuidance);
  }
  if (options.seed) {
    request["seed"] =
        parse_integer(*options.seed, "--seed", 0, std::numeric_limits<int64_t>::max());
  }
  if (options.count) {
    request["count"] = parse_integer(*options.count, "--count", 1, kMostCanvases);
  }
  if (options.text_length) {
    request["text_length"] = parse_integer(*options.text_length, "--text-length", 1, 512);
  }
  if (options.dtype) request["dtype"] = parse_choice(*options.dtype, "--dtype", {"fp32", "bf16"});
  if (options.device)
    request["device"] = parse_choice(*options.device, "--device", {"cpu", "cuda"});
  if (options.noise) {
    need_file(*options.noise, "--noise");
    request["noise"] = *options.noise;
  }
  for (const std::string& lora : options.loras) request["loras"].push_back(parse_lora(lora));
  if (options.allow_unmatched) request["allow_unmatched"] = true;
}

/// A folder, or a file that ends in .png.
void check_out(const std::string& out) {
  if (out.empty()) fail_input("--out is empty; name a folder or a file that ends in .png");
  const std::string ending = fs::path(out).extension().native();
  std::string extension = ending;
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const char* other : {".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"}) {
    if (extension == other) {
      fail_input(
          "--out is {}, but pictures are written as PNG; name a folder or a file that ends "
          "in .png",
          shown(out));
    }
  }
  if (extension == ".png" && ending != ".png") {
    fail_input(
        "--out is {}, but the ending of a picture is written .png; name a folder or such a "
        "file",
        shown(out));
  }
  std::error_code ignored;
  if (extension == ".png" && fs::is_directory(out, ignored)) {
    fail_input("--out is {}, which is a folder with the name of a picture; choose another name",
               shown(out));
  }
  if (extension != ".png" && fs::exists(out, ignored) && !fs::is_directory(out, ignored)) {
    fail_input("--out is {}, which is a file; name a folder or a file that ends in .png",
               shown(out));
  }
  check_writable(extension == ".png" ? fs::path(out) : fs::path(out) / "canvas-01.png");
}

}  // namespace

std::string parse_choice(const std::string& text, const char* what,
                         const std::vector<std::string>& known) {
  if (std::find(known.begin(), known.end(), text) != known.end()) return text;
  const auto near = nearest(text, known);
  fail_input("{} must be {}, but it is '{}'{}", what, fmt::join(known, " or "), printable(text),
             near ? fmt::format("; did you mean '{}'?", *near) : "");
}

void need_file(const std::string& path, const char* what) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) fail_input("{} names {}, which does not exist", what, shown(path));
  if (fs::is_directory(status)) {
    fail_input("{} names {}, which is a folder, not a file", what, shown(path));
  }
}

Json parse_lora(const std::string& text) {
  constexpr double kStrongest = 100;
  std::error_code ignored;
  std::string file = text;
  double strength = 1.0;
  const size_t colon = text.rfind(':');
  if (colon != std::string::npos && !fs::exists(text, ignored)) {
    const std::string tail = text.substr(colon + 1);
    const bool number = tail.find_first_not_of("0123456789.+-eE") == std::string::npos;
    if (number || fs::exists(text.substr(0, colon), ignored)) {
      strength = parse_number(tail, "the strength of --lora", -kStrongest, kStrongest);
      file = text.substr(0, colon);
    }
  }
  if (file.empty()) fail_input("--lora must be FILE or FILE:STRENGTH, but it is {}", shown(text));
  need_file(file, "--lora");
  return Json{{"file", file}, {"strength", strength}};
}

Json generate_call(const GenerateOptions& options, const std::vector<fs::path>& model_search) {
  need_utf8_texts(options);
  Json call = {{"split", !options.no_split}};
  if (options.model) {
    call["model"] = *options.model;
  } else if (!options.from) {
    call["model"] = kDefaultModel;
  }
  if (options.prompt) call["prompt"] = *options.prompt;
  add_given(options.given, add_layout(options, call), call);
  add_sampling(options, call);
  if (options.from) {
    need_file(*options.from, "--from");
    call["from"] = *options.from;
  }
  if (options.task) {
    if (options.task->empty()) fail_input("--task is empty; name one, such as film-storyboard");
    call["task"] = *options.task;
  }
  add_revision(options.given, options.from.has_value(), call);
  add_candidates(options.candidates, call);
  if (options.threads) call["threads"] = parse_integer(*options.threads, "--threads", 1, 1024);
  if (options.out) {
    check_out(*options.out);
    call["out"] = *options.out;
  }
  if (options.save_latents) {
    if (options.save_latents->empty()) fail_input("--save-latents is empty; name a file");
    std::error_code ignored;
    if (fs::is_directory(*options.save_latents, ignored)) {
      fail_input("--save-latents names {}, which is a folder; name a file",
                 shown(*options.save_latents));
    }
    check_writable(*options.save_latents);
    call["save_latents"] = *options.save_latents;
  }
  call["model_search"] = Json::array();
  for (const fs::path& folder : model_search) call["model_search"].push_back(folder.native());
  return call;
}

}  // namespace iclora::cli
