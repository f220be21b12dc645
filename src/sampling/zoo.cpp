#include "sampling/zoo.h"

#include <algorithm>
#include <array>
#include <optional>

#include "core/error.h"
#include "core/nearest.h"
#include "lora/adapter_file.h"
#include "sampling/model.h"

namespace iclora::sampling {
namespace {

namespace fs = std::filesystem;

/// One of the paper's ten: canvas and grid as its release recommends them.
struct ReleasedTask {
  const char* name;
  const char* file;  ///< stem of the released file
  panels::Grid grid;
  Size panel;
  const char* dialect;
  const char* trigger;
};

constexpr std::array<ReleasedTask, 10> kReleased = {{
    {"couple-profile", "couple-profile", {1, 2}, {1024, 1024}, "sides", ""},
    {"film-storyboard", "film-storyboard", {3, 1}, {1024, 512}, "scene", "[MOVIE-SHOTS]"},
    {"font-design", "font-design", {2, 2}, {896, 608}, "corners", ""},
    {"home-decoration", "home-decoration", {2, 2}, {672, 864}, "corners", ""},
    {"portrait-illustration", "portrait-illustration", {1, 2}, {576, 1088}, "sides", ""},
    {"portrait-photography", "portrait-photography", {2, 2}, {672, 864}, "corners", ""},
    {"slide-templates", "ppt-templates", {2, 2}, {992, 576}, "corners", ""},
    {"sandstorm-effect",
     "sandstorm-visual-effect",
     {2, 1},
     {1408, 800},
     "halves",
     "[SANDSTORM-PSA]"},
    {"sparklers-effect",
     "sparklers-visual-effect",
     {2, 1},
     {960, 544},
     "halves",
     "[REAL-SPARKLERS-OVERLAYS]"},
    {"visual-identity", "visual-identity-design", {1, 2}, {736, 1024}, "sides", ""},
}};
constexpr const char* kRepository = "ali-vilab/In-Context-LoRA";

const ReleasedTask* released(const std::string& task) {
  const auto* const found =
      std::find_if(kReleased.begin(), kReleased.end(),
                   [&](const ReleasedTask& one) { return task == one.name || task == one.file; });
  return found == kReleased.end() ? nullptr : found;
}

/// Whether the file's layers are as wide as the model's.
bool fits(const lora::AdapterFile& adapter, const flux::Config& config) {
  return std::any_of(adapter.pairs.begin(), adapter.pairs.end(), [&](const lora::Pair& pair) {
    return pair.in_features == config.width() || pair.out_features == config.width();
  });
}

/// Whether an adapter that was trained with clean given panels is what the request wants.
bool stays_clean(const Request& request) {
  return !request.given.empty() && request.condition.value_or("clean") == "clean";
}

std::vector<fs::path> places_of(const std::string& task, const ReleasedTask* known,
                                const std::vector<fs::path>& search, bool for_given) {
  std::vector<std::string> names = {task};
  if (known != nullptr && task != known->name) names.emplace_back(known->name);
  if (known != nullptr && task != known->file) names.emplace_back(known->file);
  std::vector<std::string> endings = {".safetensors"};
  if (for_given) endings.insert(endings.begin(), "-given.safetensors");
  std::vector<fs::path> out;
  for (const fs::path& folder : search) {
    for (const std::string& ending : endings) {
      for (const std::string& name : names) out.push_back(folder / "zoo" / (name + ending));
    }
  }
  if (known == nullptr) return out;
  if (const auto folder = weights::hub_snapshot(kRepository)) {
    out.push_back(*folder / (std::string(known->file) + ".safetensors"));
  }
  return out;
}

void fill_in(Request& request, const ReleasedTask& task) {
  if (!request.grid) request.grid = task.grid;
  if (!request.panel && !request.size) request.panel = task.panel;
  if (!request.dialect) request.dialect = task.dialect;
  const std::string trigger = task.trigger;
  if (!trigger.empty() && !request.prompt.starts_with(trigger)) {
    request.prompt = trigger + " " + request.prompt;
  }
}

}  // namespace

void add_task(Request& request, const std::string& task, const std::vector<fs::path>& search) {
  if (task.empty() || task.find('/') != std::string::npos || task.find("..") != std::string::npos) {
    fail_input("--task is '{}', expected a name such as 'film-storyboard'.", printable(task));
  }
  const ReleasedTask* const known = released(task);
  const std::vector<fs::path> places = places_of(task, known, search, stays_clean(request));
  const OpenModel model = open_model(request.model, search);
  std::string misfits;
  for (const fs::path& place : places) {
    std::error_code ignored;
    if (!fs::is_regular_file(place, ignored)) continue;
    const lora::AdapterFile adapter = lora::read_adapter(place);
    if (!fits(adapter, model.configs.transformer)) {
      misfits += fmt::format("{}'{}'", misfits.empty() ? "" : ", ", printable(place.native(), 400));
      continue;
    }
    if (!adapter.iclora && known != nullptr) fill_in(request, *known);
    request.loras.push_back({place.native(), 1.0});
    return;
  }
  if (!misfits.empty()) {
    fail_input(
        "--task {}: {} {} made for a model of another size than '{}'; name an adapter of this "
        "model with --lora.",
        printable(task), misfits, misfits.find(',') == std::string::npos ? "is" : "are",
        printable(request.model));
  }
  std::vector<std::string> names;
  names.reserve(kReleased.size());
  for (const ReleasedTask& one : kReleased) names.emplace_back(one.name);
  const auto guess = known == nullptr ? nearest(task, names) : std::nullopt;
  if (guess) {
    fail_input("--task: there is no task '{}'; did you mean '{}'?", printable(task), *guess);
  }
  std::string looked;
  for (const fs::path& place : places) {
    looked += fmt::format("{}'{}'", looked.empty() ? "" : ", ", printable(place.native(), 400));
  }
  fail_input(
      "--task {}: no adapter was found (looked for {} and '{}' in the Hugging Face cache); put one "
      "there, or name it with --lora.",
      printable(task), looked, kRepository);
}

}  // namespace iclora::sampling
