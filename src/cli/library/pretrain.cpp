#include <ATen/Parallel.h>

#include <filesystem>

#include "cli/library/verbs.h"
#include "pretrain/pretrain.h"
#include "runtime/processor.h"

namespace iclora::cli {

Json pretrain_model(const Json& request, Progress& progress) {
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
  if (!std::filesystem::exists(model)) {
    init({{"config", recipe.init.native()},
          {"out", model.native()},
          {"seed", static_cast<int64_t>(recipe.seed)}},
         progress);
  }
  pretrain::pretrain(recipe, options, progress);
  return {{"model", model.native()}, {"peak_bytes", runtime::peak_resident_bytes()}};
}

}  // namespace iclora::cli
