#include <ATen/Parallel.h>
#include <fmt/ranges.h>

#include <chrono>
#include <map>
#include <memory>

#include "cli/build_id.h"
#include "cli/library/best_of.h"
#include "cli/library/verbs.h"
#include "core/error.h"
#include "core/file.h"
#include "core/log.h"
#include "core/made_folders.h"
#include "runtime/processor.h"
#include "sampling/generate.h"
#include "sampling/picture.h"
#include "sampling/revise.h"
#include "sampling/zoo.h"

namespace iclora::cli {
namespace {

/// What concerns the run, not the pictures.
struct RunOptions {
  std::filesystem::path out;
  bool split = true;
  std::optional<std::filesystem::path> save_latents;
  std::optional<std::filesystem::path> from;
  std::vector<int64_t> redo;        ///< panels of `from` to draw anew
  std::vector<std::string> extend;  ///< captions of panels that `from` grows by
  std::string task;                 ///< empty: none
  std::optional<BestOfOptions> candidates;
  int64_t threads = 0;  ///< 0: as many as libtorch chooses
  std::vector<std::filesystem::path> model_search;
};

/// Takes the run's options out of the request's JSON.
RunOptions take_options(Json& json) {
  const std::string origin = "the request";
  RunOptions options;
  options.out = json_string(json, "out", origin);
  if (options.out.empty()) fail_input("--out is empty; name a folder, or a file ending in .png.");
  options.split = json_bool_or(json, "split", origin, true);
  if (const std::string path = json_string_or(json, "save_latents", origin, ""); !path.empty()) {
    options.save_latents = path;
  }
  if (const std::string path = json_string_or(json, "from", origin, ""); !path.empty()) {
    options.from = path;
  }
  const auto members = [&](const char* key) { return json.value(key, Json::array()); };
  const Json redo = members("redo"), extend = members("extend");
  for (const Json& number : redo) options.redo.push_back(number.get<int64_t>());
  for (const Json& part : extend) options.extend.push_back(part.get<std::string>());
  options.task = json_string_or(json, "task", origin, "");
  if (json.contains("candidates")) {
    options.candidates = best_of_options(json["candidates"], origin + ": candidates");
  }
  options.threads = json_integer_or(json, "threads", origin, 1, 1024, 0);
  if (const auto folders = json.find("model_search"); folders != json.end()) {
    for (const Json& folder : *folders)
      options.model_search.emplace_back(folder.get<std::string>());
  }
  for (const char* key : {"out", "split", "save_latents", "from", "redo", "extend", "task",
                          "candidates", "threads", "model_search", "json"}) {
    json.erase(key);
  }
  return options;
}

/// The picture's request with what was asked for beside it in its place.
Json merge_over_picture(const Json& asked, const RunOptions& options) {
  const std::filesystem::path& picture = *options.from;
  Json merged = sampling::request_to_json(
      !options.redo.empty()     ? sampling::redo_panels(picture, options.redo)
      : !options.extend.empty() ? sampling::extend_set(picture, options.extend)
                                : sampling::request_of_picture(picture));
  if (asked.contains("size")) merged.erase("panel");
  // Another grid leaves the panels' size; another prompt leaves no old parts behind.
  if (asked.contains("prompt")) merged.erase("panel_prompts");
  // The task's adapter takes the place of the picture's own.
  if (!options.task.empty() && !asked.contains("loras")) merged.erase("loras");
  // Another way of conditioning leaves no settings of the old one behind.
  if (asked.contains("condition")) {
    merged.erase("strength");
    merged.erase("given_timestep");
    merged.erase("given_sees");
  }
  for (const auto& [key, value] : asked.items()) merged[key] = value;
  return merged;
}

/// A path that two spellings share, whether the file is there yet or not.
std::filesystem::path plain(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::weakly_canonical(std::filesystem::absolute(path, ignored), ignored);
}

/// No output stands where another one goes, nor on what the run reads.
void check_outputs_apart(const RunOptions& options, const sampling::OutputPaths& paths,
                         const sampling::Resolved& resolved) {
  std::map<std::filesystem::path, const char*> inputs;
  const sampling::Request& request = resolved.request;
  if (request.noise) inputs[plain(*request.noise)] = "the noise";
  for (const sampling::LoraChoice& lora : request.loras) inputs[plain(lora.file)] = "an adapter";
  for (const auto& given : request.given) inputs[plain(given.image)] = "a given panel";
  const auto check = [&](const std::filesystem::path& path, const char* option) {
    const auto input = inputs.find(plain(path));
    if (input == inputs.end()) return;
    fail_input("{} would replace '{}', from which {} is read; choose another place.", option,
               printable(path.native(), 400), input->second);
  };
  std::vector<std::filesystem::path> pictures = paths.canvases;
  for (const auto& panels : paths.panels) {
    pictures.insert(pictures.end(), panels.begin(), panels.end());
  }
  for (const auto& path : pictures) check(path, "--out");
  if (!options.save_latents) return;
  check(*options.save_latents, "--save-latents");
  const std::filesystem::path latents = plain(*options.save_latents);
  for (const auto& path : pictures) {
    if (plain(path) != latents) continue;
    fail_input("--save-latents and --out both write '{}'; choose another file for the latents.",
               printable(path.native(), 400));
  }
  const std::filesystem::path inside = latents.lexically_relative(plain(resolved.folder.path));
  if (!inside.empty() && *inside.begin() != "..") {
    fail_input("--save-latents names '{}', which lies in the model's own folder; choose another.",
               printable(options.save_latents->native(), 400));
  }
}

void check_outputs(const RunOptions& options, const sampling::OutputPaths& paths) {
  std::error_code ignored;
  if (options.out.extension() == ".png" && std::filesystem::is_directory(options.out, ignored)) {
    fail(ErrorKind::output, "'{}' is a folder; name a file for the picture, or another folder.",
         printable(options.out.native(), 400));
  }
  if (options.out.extension() != ".png" && std::filesystem::exists(options.out, ignored) &&
      !std::filesystem::is_directory(options.out, ignored)) {
    fail(ErrorKind::output, "'{}' is a file; --out must be a folder or end in .png.",
         printable(options.out.native(), 400));
  }
  check_writable(paths.canvases.front());
  if (options.save_latents) check_writable(*options.save_latents);
}

}  // namespace

Json generate(const Json& request_json, Progress& progress) {
  const auto start = std::chrono::steady_clock::now();
  Json json = request_json;
  const RunOptions options = take_options(json);
  Json asked_beside = json;
  if (!options.task.empty()) asked_beside["loras"] = options.task;
  if (options.from) json = merge_over_picture(json, options);
  if (options.threads > 0) at::set_num_threads(static_cast<int>(options.threads));

  sampling::Request asked = sampling::request_from_json(json, "the request");
  if (!options.task.empty()) sampling::add_task(asked, options.task, options.model_search);
  const bool choosing = options.candidates.has_value();
  if (choosing) asked.count = options.candidates->count;
  const sampling::Resolved resolved = sampling::resolve(std::move(asked), options.model_search);
  if (options.from) sampling::check_made_from(*options.from, asked_beside, resolved);
  const sampling::Request& request = resolved.request;
  const sampling::OutputPaths paths =
      sampling::output_paths(options.out, choosing ? options.candidates->keep : request.count,
                             resolved.layout.grid.count(), options.split);
  check_outputs(options, paths);
  check_outputs_apart(options, paths, resolved);
  std::optional<BestOfRun> best;
  if (choosing) best.emplace(*options.candidates, resolved, progress);
  for (const std::string& warning : resolved.warnings) log::warning("{}", warning);
  if (choosing) {
    const auto last = *request.seed + static_cast<uint64_t>(request.count - 1);
    log::info("seeds {} to {} to choose from", *request.seed, last);
  } else {
    log::info("seed {}", *request.seed);
  }

  Json candidates;
  const sampling::ImageSet set =
      best ? best->draw(std::string(build_id()), candidates)
           : sampling::generate(resolved, std::string(build_id()), progress);
  std::vector<uint64_t> seeds;
  for (const sampling::Canvas& canvas : set.canvases) seeds.push_back(canvas.seed);
  if (choosing) {
    log::info("seed{} {} kept", seeds.size() == 1 ? "" : "s", fmt::join(seeds, ", "));
  }
  std::optional<MadeFolders> made;
  std::unique_ptr<weights::SafetensorsWriter> latents;
  if (options.save_latents) {
    made.emplace(options.save_latents->has_parent_path() ? options.save_latents->parent_path()
                                                         : ".");
    latents = sampling::write_latents(set, *options.save_latents);
  }
  sampling::save(set, paths);
  if (latents) latents->commit();
  if (made) made->keep();

  Json result = {{"seed", seeds.front()},
                 {"seeds", seeds},
                 {"canvases", Json::array()},
                 {"panels", Json::array()}};
  for (size_t i = 0; i < paths.canvases.size(); ++i) {
    result["canvases"].push_back(paths.canvases[i].native());
    Json panels = Json::array();
    for (const auto& panel : paths.panels[i]) panels.push_back(panel.native());
    result["panels"].push_back(panels);
  }
  if (!resolved.given.empty()) {
    result["given"] = Json::array();
    for (const sampling::Canvas& canvas : set.canvases) {
      Json panels = Json::array();
      for (const sampling::GivenResult& one : canvas.given) {
        panels.push_back({{"panel", one.panel}, {"decoded", one.decoded}, {"seam", one.seam}});
      }
      result["given"].push_back(panels);
    }
  }
  if (best) result["candidates"] = candidates;
  result["seconds"] =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  result["peak_bytes"] = runtime::peak_resident_bytes();
  return result;
}

}  // namespace iclora::cli
