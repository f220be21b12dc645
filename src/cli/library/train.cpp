#include "train/train.h"

#include <ATen/Parallel.h>

#include "cli/build_id.h"
#include "cli/library/verbs.h"
#include "runtime/processor.h"

namespace iclora::cli {

Json train(const Json& request, Progress& progress) {
  const std::string origin = "the request";
  const run::Config config = run::config_from_json(request.at("config"), "the configuration");
  train::TrainOptions options;
  options.resume = json_bool_or(request, "resume", origin, false);
  options.cache = json_string(request, "cache", origin);
  options.build = std::string(build_id());
  if (request.contains("init_lora")) options.init_lora = json_string(request, "init_lora", origin);
  if (request.contains("replay")) options.replay = json_string(request, "replay", origin);
  for (const Json& folder : request.at("model_search")) {
    options.model_search.emplace_back(folder.get<std::string>());
  }
  if (config.train.threads) at::set_num_threads(static_cast<int>(*config.train.threads));

  const train::TrainResult result = train::train(config, options, progress);
  return {{"lora", result.result.native()},
          {"steps", result.steps},
          {"loss", result.loss},
          {"seconds", result.seconds},
          {"peak_bytes", runtime::peak_resident_bytes()}};
}

}  // namespace iclora::cli
