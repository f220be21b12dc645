#pragma once
// `eval` with a plan: the comparison of many rows on many tasks.

#include "core/json.h"
#include "core/progress.h"

namespace iclora::cli {

/// `plan` (a YAML file), `out` (a folder), `cache` (a folder), `model_search`, and where given
/// `model` (in place of the plan's), `only` (names of tasks), `dry_run` -> the report with the
/// paths `report` and `page`; of a dry run {"work": [{"task", "what", "training", "done"}]}.
Json eval_plan(const Json& request, Progress& progress);

}  // namespace iclora::cli
