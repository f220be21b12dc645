#include "weights/model_folder.h"

#include <cstdio>
#include <cstdlib>

#include "core/error.h"
#include "core/file.h"

namespace iclora::weights {
namespace {

namespace fs = std::filesystem;

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

/// Also of a link that leads nowhere, such as a half-filled cache has them: it cannot be read, and
/// that has to be said.
bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(path, ignored));
}

fs::path part(const fs::path& model, const char* name) {
  if (!is_folder(model / name)) {
    fail_input(
        "The model folder '{}' has no '{}/'; a FLUX.1 folder in the diffusers layout has "
        "transformer, text_encoder, text_encoder_2, tokenizer, tokenizer_2, vae and "
        "scheduler.",
        printable(model.native(), 400), name);
  }
  return model / name;
}

Component component(const fs::path& model, const char* name, const char* config) {
  Component found;
  found.folder = part(model, name);
  found.config_path = found.folder / config;
  found.config = read_json(found.config_path);
  if (!found.config.is_object()) {
    fail_input("'{}' must hold a JSON object.", printable(found.config_path.native(), 400));
  }
  return found;
}

void read_native(const fs::path& path, ModelFolder& model) {
  if (!is_there(path)) return;
  const Json json = read_json(path);
  const std::string origin = "'" + printable(path.native(), 400) + "'";
  if (!json.is_object()) fail_input("{} must hold a JSON object.", origin);
  if (const auto panel = json.find("panel"); panel != json.end()) {
    int width = 0;
    int height = 0;
    char rest = 0;
    if (!panel->is_string() ||
        // Five digits do not overflow. NOLINTNEXTLINE(bugprone-unchecked-*)
        std::sscanf(panel->get<std::string>().c_str(), "%5dx%5d%c", &width, &height, &rest) != 2 ||
        width < 16 || height < 16 || width % 16 != 0 || height % 16 != 0) {
      fail_input("{}: 'panel' must be WxH in pixels, multiples of 16, such as \"64x64\".", origin);
    }
    model.native_width = width;
    model.native_height = height;
  }
  if (json.contains("dialect")) model.dialect = json_string(json, "dialect", origin);
}

fs::path hub_cache() {
  const auto variable = [](const char* name) -> std::optional<fs::path> {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') return std::nullopt;
    return fs::path(value);
  };
  if (const auto path = variable("HF_HUB_CACHE")) return *path;
  if (const auto home = variable("HF_HOME")) return *home / "hub";
  if (const auto cache = variable("XDG_CACHE_HOME")) return *cache / "huggingface/hub";
  return variable("HOME").value_or("/") / ".cache/huggingface/hub";
}

}  // namespace

std::optional<fs::path> hub_snapshot(const std::string& name) {
  const size_t slash = name.find('/');
  if (slash == std::string::npos || slash == 0 || name.find('/', slash + 1) != std::string::npos ||
      name.find("..") != std::string::npos) {
    return std::nullopt;
  }
  const fs::path repository =
      hub_cache() / ("models--" + name.substr(0, slash) + "--" + name.substr(slash + 1));
  std::error_code ignored;
  if (!fs::is_regular_file(repository / "refs/main", ignored)) return std::nullopt;
  std::string commit = read_file(repository / "refs/main", 1000);
  while (!commit.empty() && (commit.back() == '\n' || commit.back() == ' ')) commit.pop_back();
  if (commit.empty() || commit.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return std::nullopt;
  }
  const fs::path snapshot = repository / "snapshots" / commit;
  return is_folder(snapshot) ? std::optional(snapshot) : std::nullopt;
}

ModelFolder open_model_folder(const fs::path& path) {
  if (!is_folder(path)) {
    fail_input("The model '{}' is not a folder; name a FLUX.1 folder in the diffusers layout.",
               printable(path.native(), 400));
  }
  ModelFolder model;
  model.path = path;
  if (!is_there(path / "model_index.json")) {
    fail_input(
        "The folder '{}' has no model_index.json; it is not a model in the diffusers "
        "layout.",
        printable(path.native(), 400));
  }
  const Json index = read_json(path / "model_index.json");
  const std::string origin = "'" + printable((path / "model_index.json").native(), 400) + "'";
  if (!index.is_object()) fail_input("{} must hold a JSON object.", origin);
  const std::string kind = json_string_or(index, "_class_name", origin, "FluxPipeline");
  if (!kind.starts_with("Flux") || kind.starts_with("Flux2")) {
    fail_input("{}: the model is a '{}', expected a 'FluxPipeline' (FLUX.1).", origin,
               printable(kind));
  }
  model.transformer = component(path, "transformer", "config.json");
  model.text_encoder = component(path, "text_encoder", "config.json");
  model.text_encoder_2 = component(path, "text_encoder_2", "config.json");
  model.vae = component(path, "vae", "config.json");
  model.scheduler = component(path, "scheduler", "scheduler_config.json");
  model.tokenizer = part(path, "tokenizer");
  model.tokenizer_2 = part(path, "tokenizer_2");
  read_native(path / "iclora.json", model);
  return model;
}

fs::path resolve_model(const std::string& name, const std::vector<fs::path>& search) {
  if (name.empty()) fail_input("No model is given; name a folder with --model.");
  if (is_folder(name)) return name;
  std::string looked;
  if (name.find("..") == std::string::npos && !name.starts_with('/')) {
    for (const fs::path& folder : search) {
      if (is_folder(folder / name)) return folder / name;
      looked += fmt::format(", '{}'", printable((folder / name).native(), 400));
    }
    if (const auto found = hub_snapshot(name)) return *found;
  }
  std::error_code ignored;
  if (fs::is_regular_file(name, ignored)) {
    fail_input(
        "The model '{}' is a file; single-file models are not read, name a folder in the "
        "diffusers layout.",
        printable(name, 400));
  }
  fail_input(
      "The model '{}' was not found (looked for the folder '{}'{} and the Hugging Face "
      "cache); check the name.",
      printable(name, 400), printable(name, 400), looked);
}

}  // namespace iclora::weights
