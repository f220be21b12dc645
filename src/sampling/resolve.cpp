#include "sampling/resolve.h"

#include <algorithm>
#include <chrono>

#include "core/error.h"
#include "core/hash.h"
#include "runtime/processor.h"

namespace iclora::sampling {
namespace {

// The longest text FLUX.1 was trained with; without a guidance embedding (schnell) half of it.
constexpr int64_t kLongestText = 512;
constexpr int64_t kLongestTextWithoutGuidance = 256;
constexpr int64_t kDefaultPanel = 1024;

/// Of the model's index and configs: tells models apart without reading gigabytes.
std::string model_hash(const weights::ModelFolder& folder) {
  Sha256 hash;
  for (const weights::Component* part : {&folder.transformer, &folder.text_encoder,
                                         &folder.text_encoder_2, &folder.vae, &folder.scheduler}) {
    hash.update(part->config.dump());
    if (part == &folder.scheduler) continue;
    const auto checkpoint = weights::Checkpoint::open(part->folder);
    for (const auto& [name, tensor] : checkpoint.tensors()) {
      // A slice of every tensor: enough to notice another training of the same sizes.
      hash.update(name);
      hash.update(tensor.bytes.first(std::min<size_t>(tensor.bytes.size(), 256)));
    }
  }
  return hash.hex();
}

std::string origin_of(const weights::Component& component) {
  return "'" + printable(component.config_path.native(), 400) + "'";
}

void check_equal(int64_t a, const char* key_a, const weights::Component& in_a, int64_t b,
                 const char* key_b, const weights::Component& in_b) {
  if (a == b) return;
  fail_input("{}: '{}' is {}, but {} says '{}' {}; the parts do not belong to one model.",
             origin_of(in_a), key_a, a, origin_of(in_b), key_b, b);
}

/// A member of the `iclora` metadata of the first adapter that states it.
std::optional<std::string> stated(const std::vector<lora::AdapterFile>& adapters, const char* key) {
  for (const lora::AdapterFile& adapter : adapters) {
    if (!adapter.iclora || !adapter.iclora->is_object()) continue;
    const auto found = adapter.iclora->find(key);
    if (found != adapter.iclora->end() && found->is_string() &&
        !found->get<std::string>().empty()) {
      return found->get<std::string>();
    }
  }
  return std::nullopt;
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
    if (const auto grid = stated(adapters, "grid")) {
      request.grid = panels::parse_grid(*grid);
    } else if (parsed.dialect) {
      request.grid = to_grid(parsed.grid);
    } else {
      request.grid = panels::Grid{std::max<int64_t>(parts, 1), 1};
    }
  } else if (parsed.dialect && parsed.grid.rows * parsed.grid.columns != request.grid->count()) {
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
    if (const auto panel = stated(adapters, "panel")) {
      request.panel = parse_size(*panel, "the adapter's metadata");
    } else if (folder.native_width) {
      request.panel = Size{*folder.native_width, *folder.native_height};
    } else {
      request.panel = Size{kDefaultPanel, kDefaultPanel};
    }
  }
  panels::check_token_multiple(request.panel->width, request.panel->height, "--panel");
}

std::string joint_prompt(const Request& request, const weights::ModelFolder& folder,
                         const std::vector<lora::AdapterFile>& adapters) {
  const std::string trigger = stated(adapters, "trigger").value_or("");
  const bool has_trigger = trigger.empty() || request.prompt.starts_with(trigger);
  if (request.panel_prompts.empty()) {
    return has_trigger ? request.prompt : trigger + " " + request.prompt;
  }
  const captions::GridSize grid = {request.grid->rows, request.grid->columns};
  const std::optional<std::string> named = request.dialect ? request.dialect
                                           : stated(adapters, "dialect")
                                               ? stated(adapters, "dialect")
                                               : folder.dialect;
  captions::Dialect dialect = captions::default_dialect(grid);
  if (named) dialect = captions::dialect_from_name(*named);
  return captions::render({has_trigger ? "" : trigger, request.prompt, request.panel_prompts},
                          dialect);
}

void settle_text_length(Request& request, const ModelConfigs& configs,
                        const tokenizers::T5Tokenizer& tokenizer) {
  if (request.text_length) return;
  const int64_t longest =
      configs.transformer.guidance_embeds ? kLongestText : kLongestTextWithoutGuidance;
  request.text_length = std::min(tokenizer.model_max_length(), longest);
}

}  // namespace

ModelConfigs read_configs(const weights::ModelFolder& folder) {
  ModelConfigs configs;
  configs.transformer =
      flux::config_from_json(folder.transformer.config, origin_of(folder.transformer));
  configs.clip =
      text::clip_config_from_json(folder.text_encoder.config, origin_of(folder.text_encoder));
  configs.t5 =
      text::t5_config_from_json(folder.text_encoder_2.config, origin_of(folder.text_encoder_2));
  configs.vae = vae::config_from_json(folder.vae.config, origin_of(folder.vae));
  configs.schedule = schedule_from_json(folder.scheduler.config, origin_of(folder.scheduler));
  check_equal(configs.transformer.pooled_projection_dim, "pooled_projection_dim",
              folder.transformer, configs.clip.hidden_size, "hidden_size", folder.text_encoder);
  check_equal(configs.transformer.joint_attention_dim, "joint_attention_dim", folder.transformer,
              configs.t5.d_model, "d_model", folder.text_encoder_2);
  check_equal(configs.transformer.in_channels / 4, "in_channels / 4", folder.transformer,
              configs.vae.latent_channels, "latent_channels", folder.vae);
  if (configs.vae.downscale() != 8) {
    fail_input("{}: the autoencoder makes pictures {} times smaller, expected 8 (four blocks).",
               origin_of(folder.vae), configs.vae.downscale());
  }
  return configs;
}

Resolved resolve(Request request, const std::vector<std::filesystem::path>& model_search) {
  Resolved out;
  out.folder = weights::open_model_folder(weights::resolve_model(request.model, model_search));
  out.configs = read_configs(out.folder);
  for (const LoraChoice& choice : request.loras) {
    out.adapters.push_back(lora::read_adapter(choice.file));
    out.loras_sha256.push_back(sha256_of_file(choice.file));
  }
  out.model_sha256 = model_hash(out.folder);
  const captions::Parsed parsed = captions::parse(request.prompt);
  settle_grid(request, parsed, out.adapters, out.warnings);
  settle_panel(request, out.folder, out.adapters);
  out.layout = panels::grid_layout(*request.grid, request.panel->width, request.panel->height);
  out.joint_prompt = joint_prompt(request, out.folder, out.adapters);

  out.clip_tokenizer = tokenizers::ClipTokenizer::open(out.folder.tokenizer);
  out.t5_tokenizer = tokenizers::T5Tokenizer::open(out.folder.tokenizer_2);
  if (out.clip_tokenizer->vocabulary_size() > out.configs.clip.vocab_size ||
      out.t5_tokenizer->vocabulary_size() > out.configs.t5.vocab_size) {
    fail_input(
        "The tokenizers of '{}' have ids beyond the text encoders' vocabularies ({} of {}, {} "
        "of {}); they belong to another model.",
        printable(out.folder.path.native(), 400), out.clip_tokenizer->vocabulary_size(),
        out.configs.clip.vocab_size, out.t5_tokenizer->vocabulary_size(),
        out.configs.t5.vocab_size);
  }
  settle_text_length(request, out.configs, *out.t5_tokenizer);
  const auto tokens = static_cast<int64_t>(out.t5_tokenizer->encode(out.joint_prompt).size());
  if (tokens > *request.text_length) {
    out.warnings.push_back(
        fmt::format("the prompt has {} tokens, of which the first {} are read; shorten it or raise "
                    "--text-length.",
                    tokens, *request.text_length));
  }
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
