#include <ATen/Parallel.h>
#include <malloc.h>

#include <climits>
#include <filesystem>

#include "cli/library/verbs.h"
#include "core/error.h"
#include "core/file.h"
#include "pretrain/pretrain.h"
#include "runtime/processor.h"

namespace iclora::cli {

namespace {

/// A copy of the model folder `from`, whole or not at all.
void begin_with(const std::filesystem::path& from, const std::filesystem::path& model) {
  namespace fs = std::filesystem;
  if (!fs::exists(from / "model_index.json")) {
    fail_input(
        "'{}', which the recipe begins with ('from'), is no model folder: there is no "
        "'model_index.json' in it.",
        printable(from.native(), 400));
  }
  const fs::path part = model.native() + ".part";
  create_folders(model.parent_path());
  fs::remove_all(part);
  fs::copy(from, part, fs::copy_options::recursive);
  fs::rename(part, model);
}

/// Every step allocates tensors of the same sizes again. glibc would give large ones back to the
/// system each time, and the system clear their pages anew: an eighth of a transformer step's
/// processor time by samples of the program counter. A LoRA's steps are too small to gain by it.
void keep_freed_memory() {
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, INT_MAX);
}

}  // namespace

Json pretrain_model(const Json& request, Progress& progress) {
  keep_freed_memory();
  const std::string origin = "the request";
  std::optional<std::filesystem::path> packs;
  if (request.contains("packs")) packs = json_string(request, "packs", origin);
  const pretrain::Recipe recipe =
      pretrain::read_recipe(json_string(request, "recipe", origin), packs);
  pretrain::PretrainOptions options;
  options.out = json_string(request, "out", origin);
  for (const Json& stage : request.at("stages")) options.stages.push_back(stage);
  if (request.contains("threads")) {
    at::set_num_threads(static_cast<int>(json_integer(request, "threads", origin, 1, 1024)));
  }
  const std::filesystem::path model = options.out / "model";
  if (!std::filesystem::exists(model) && recipe.from) {
    begin_with(*recipe.from, model);
  } else if (!std::filesystem::exists(model)) {
    init({{"config", recipe.init.native()},
          {"out", model.native()},
          {"seed", static_cast<int64_t>(recipe.seed)}},
         progress);
  }
  pretrain::pretrain(recipe, options, progress);
  return {{"model", model.native()}, {"peak_bytes", runtime::peak_resident_bytes()}};
}

}  // namespace iclora::cli
