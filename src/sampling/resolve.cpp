#include "sampling/resolve.h"

#include <algorithm>
#include <chrono>

#include "captions/lint.h"
#include "core/error.h"
#include "core/hash.h"
#include "lora/stated.h"
#include "runtime/processor.h"
#include "sampling/adapters.h"
#include "sampling/given_pictures.h"
#include "sampling/text_length.h"
#include "weights/checkpoint.h"

namespace iclora::sampling {
namespace {

constexpr int64_t kDefaultPanel = 1024;

/// A member of the `iclora` metadata of the first adapter that states it, and where it stands.
struct Stated {
  std::string value;
  std::string origin;
};
std::optional<Stated> stated_at(const std::vector<lora::AdapterFile>& adapters, const char* key) {
  for (const lora::AdapterFile& adapter : adapters) {
    if (auto value = lora::stated(adapter, key)) {
      return Stated{std::move(*value), fmt::format("'{}': '{}' of its metadata 'iclora'",
                                                   printable(adapter.path.native(), 400), key)};
    }
  }
  return std::nullopt;
}

std::optional<std::string> stated(const std::vector<lora::AdapterFile>& adapters, const char* key) {
  const auto found = stated_at(adapters, key);
  return found ? std::optional(found->value) : std::nullopt;
}

panels::Grid parse_stated_grid(const Stated& stated) {
  try {
    return panels::parse_grid(stated.value);
  } catch (const Error& error) {
    fail_input("{}: {} Give the grid with --grid.", stated.origin, error.what());
  }
}

panels::Grid to_grid(const captions::GridSize& size) {
  return {size.rows, size.columns};
}

/// Grid: asked for, else the adapters', else the markers', else as many panels as prompts, else
/// one.
void settle_grid(Request& request, const captions::Parsed& parsed,
                 const std::vector<lora::AdapterFile>& adapters,
                 std::vector<std::string>& warnings) {
  const auto parts = static_cast<int64_t>(request.panel_prompts.size());
  if (!request.grid) {
    if (const auto grid = stated_at(adapters, "grid")) {
      request.grid = parse_stated_grid(*grid);
    } else if (parsed.dialect) {
      request.grid = to_grid(parsed.grid);
    } else {
      request.grid = panels::Grid{std::max<int64_t>(parts, 1), 1};
    }
  }
  if (parsed.dialect && parsed.grid.rows * parsed.grid.columns != request.grid->count()) {
    warnings.push_back(
        fmt::format("the prompt's markers speak of {} panels, but the grid {} is used.",
                    parsed.grid.rows * parsed.grid.columns, panels::to_string(*request.grid)));
  }
  if (parts > 0 && parts != request.grid->count()) {
    fail_input("There are {} panel prompts for the {} panels of the grid {}; give one for each.",
               parts, request.grid->count(), panels::to_string(*request.grid));
  }
}

Size parse_size(const std::string& text, const std::string& origin) {
  return *request_from_json({{"panel", text}}, origin).panel;
}

void settle_panel(Request& request, const weights::ModelFolder& folder,
                  const std::vector<lora::AdapterFile>& adapters) {
  const panels::Grid& grid = *request.grid;
  if (request.size) {
    const Size size = *request.size;
    if (size.width % grid.columns != 0 || size.height % grid.rows != 0 ||
        size.width / grid.columns % panels::kToken != 0 ||
        size.height / grid.rows % panels::kToken != 0) {
      const auto nearest = [](int64_t edge, int64_t parts) {
        const int64_t unit = parts * panels::kToken;
        return std::max(unit, (edge + unit / 2) / unit * unit);
      };
      fail_input(
          "--size is {}x{}, but each of the {} panels must have edges that are multiples of "
          "{}; the nearest is {}x{}.",
          size.width, size.height, panels::to_string(grid), panels::kToken,
          nearest(size.width, grid.columns), nearest(size.height, grid.rows));
    }
    request.panel = Size{size.width / grid.columns, size.height / grid.rows};
    request.size.reset();
  } else if (!request.panel) {
    if (const auto panel = stated_at(adapters, "panel")) {
      request.panel = parse_size(panel->value, panel->origin);
      panels::check_token_multiple(request.panel->width, request.panel->height, panel->origin);
    } else if (folder.native_width) {
      request.panel = Size{*folder.native_width, *folder.native_height};
    } else {
      request.panel = Size{kDefaultPanel, kDefaultPanel};
    }
  }
  panels::check_token_multiple(request.panel->width, request.panel->height, "--panel");
}

/// The adapters' trigger where the prompt does not begin with it.
std::string missing_trigger(const Request& request,
                            const std::vector<lora::AdapterFile>& adapters) {
  const std::string trigger = stated(adapters, "trigger").value_or("");
  return request.prompt.starts_with(trigger) ? "" : trigger;
}

std::string joint_prompt(const Request& request, const std::string& trigger,
                         const weights::ModelFolder& folder,
                         const std::vector<lora::AdapterFile>& adapters) {
  if (request.panel_prompts.empty()) {
    return trigger.empty() ? request.prompt : trigger + " " + request.prompt;
  }
  const captions::GridSize grid = {request.grid->rows, request.grid->columns};
  const std::optional<std::string> named = request.dialect ? request.dialect
                                           : stated(adapters, "dialect")
                                               ? stated(adapters, "dialect")
                                               : folder.dialect;
  captions::Dialect dialect = captions::default_dialect(grid);
  if (named) dialect = captions::dialect_from_name(*named);
  return captions::render({trigger, request.prompt, request.panel_prompts}, dialect);
}

/// Method, joint caption, and what the text encoders read.
void settle_captions(Resolved& out, Request& request) {
  if (!request.method) request.method = name_of(trained_method(out.adapters));
  out.method = method_from_name(*request.method, "the request");
  const std::string trigger = missing_trigger(request, out.adapters);
  out.joint_prompt = joint_prompt(request, trigger, out.folder, out.adapters);
  const size_t panels = out.layout.boxes.size();
  // Parts that came apart stay so: a marker within one is only text.
  out.captions =
      out.method == Method::gdt && panels > 1 && !request.panel_prompts.empty()
          ? captions::panel_captions({trigger, request.prompt, request.panel_prompts}, panels)
          : captions_of(out.method, out.joint_prompt, panels);
}

/// Of T5 alone: the end that CLIP does not read is lost in FLUX as a rule, and T5 has it.
void warn_of_long_captions(Resolved& out, const Request& request) {
  const int64_t limit = *request.text_length;
  const captions::CountTokens count = token_counter(out);
  const auto warn = [&](const std::string& name, const std::string& text) {
    const std::string lost = captions::lost_end(text, limit, count);
    if (lost.empty()) return;
    const int64_t tokens = count(text);
    out.warnings.push_back(fmt::format("the {} has {} tokens, but {} are read: {}; {}", name,
                                       tokens, limit, lost,
                                       remedy_for_length(tokens, limit, "it", "--text-length")));
  };
  for (size_t i = 0; i < out.captions.size(); ++i) {
    warn(out.captions.size() == 1 ? "prompt" : fmt::format("caption of panel {}", i + 1),
         out.captions[i]);
  }
  if (request.cfg != 1.0) warn("negative prompt", request.negative_prompt.value_or(""));
}

}  // namespace

Resolved resolve(Request request, const std::vector<std::filesystem::path>& model_search) {
  Resolved out;
  static_cast<OpenModel&>(out) = open_model(request.model, model_search);
  for (const LoraChoice& choice : request.loras) {
    out.adapters.push_back(lora::read_adapter(choice.file));
    out.loras_sha256.push_back(sha256_of_file(choice.file));
  }
  if (!out.adapters.empty()) {
    const auto transformer = weights::Checkpoint::open(out.folder.transformer.folder);
    for (const lora::AdapterFile& adapter : out.adapters) {
      check_adapter(transformer, adapter, request.allow_unmatched);
    }
  }
  if (request.noise) out.noise_sha256 = sha256_of_file(*request.noise);
  const captions::Parsed parsed = captions::parse(request.prompt);
  if (!parsed.dialect && request.panel_prompts.empty()) {
    for (const captions::Fault& fault : captions::lint_markers(request.prompt)) {
      out.warnings.push_back(fault.what + " " + fault.remedy);
    }
  }
  settle_grid(request, parsed, out.adapters, out.warnings);
  settle_panel(request, out.folder, out.adapters);
  out.layout = panels::grid_layout(*request.grid, request.panel->width, request.panel->height);
  // What is made must be readable again.
  if (out.layout.width * out.layout.height > image::kMaximumPixels) {
    fail_input("A canvas of {}x{} has more than {} pixels; choose smaller panels.",
               out.layout.width, out.layout.height, image::kMaximumPixels);
  }
  // Thrown away: what cannot be sampled is refused before anything is encoded.
  sigmas(out.configs.schedule, request.steps,
         out.layout.width / panels::kToken * (out.layout.height / panels::kToken));
  settle_captions(out, request);
  out.given = settle_given(request, out.layout, out.adapters);

  if (!request.text_length) request.text_length = default_text_length(out);
  warn_of_long_captions(out, request);
  if (!request.seed) {
    // From the clock; said and written into the picture, so that it can be asked for again.
    request.seed = static_cast<uint64_t>(
        std::chrono::system_clock::now().time_since_epoch().count() / 1000 % (int64_t{1} << 32));
  }
  if (!request.device) request.device = "cpu";
  if (*request.device == "cuda") {
    fail_input("--device cuda: no usable GPU was found; run `iclora doctor` for the reason.");
  }
  if (!request.dtype) request.dtype = runtime::has_bf16_products() ? "bf16" : "fp32";
  out.request = std::move(request);
  return out;
}

}  // namespace iclora::sampling
