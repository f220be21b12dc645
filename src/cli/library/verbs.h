#pragma once
// What the library can be asked for. One function a verb: request in, result out, both JSON.

#include "core/json.h"
#include "core/progress.h"

namespace iclora::cli {

using Verb = Json (*)(const Json& request, Progress& progress);

/// Version, processor and threads of the libtorch that was loaded.
Json runtime_info(const Json& request, Progress& progress);

/// Pictures from a request: sampling's own keys (sampling/request.h) beside `out`, `split`,
/// `save_latents`, `from`, `task`, `threads` and `model_search` -> seed (of the first
/// canvas; among candidates the best one's), seeds (a canvas each), canvases, panels, seconds,
/// peak_bytes (design 4.1).
Json generate(const Json& request, Progress& progress);

/// A training: `config` (complete, in the native form), `resume`, `init_lora`, `replay`,
/// `model_search`, `cache` (a folder) -> lora, steps, loss, seconds, peak_bytes (design 4.1).
Json train(const Json& request, Progress& progress);

/// A model folder with random weights: `config` (a YAML file of sizes), `out`, and `seed` and
/// `dtype`, which win over the file -> model, parameters.
Json init(const Json& request, Progress& progress);

/// Held-out captions through a model, or sets, a run, or a plan (study.h): eval's own keys
/// (eval/evaluate.h) beside `out` (a folder), `pictures` and `threads`. Writes eval.json and
/// sheet.png -> the report without its single results, report, sheet, seconds, peak_bytes.
Json eval(const Json& request, Progress& progress);

/// A whole small model from nothing: `recipe` (a YAML file), `out` (a folder), `stages`, `packs`
/// and `threads` where given -> model, peak_bytes.
Json pretrain_model(const Json& request, Progress& progress);

/// Timings: `filter`, `seconds`, `threads` -> machine and results (design 4.1).
Json bench(const Json& request, Progress& progress);

}  // namespace iclora::cli
