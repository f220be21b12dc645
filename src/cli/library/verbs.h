#pragma once
// What the library can be asked for. One function a verb: request in, result out, both JSON.

#include "core/json.h"
#include "core/progress.h"

namespace iclora::cli {

using Verb = Json (*)(const Json& request, Progress& progress);

/// Version, processor and threads of the libtorch that was loaded.
Json runtime_info(const Json& request, Progress& progress);

}  // namespace iclora::cli
