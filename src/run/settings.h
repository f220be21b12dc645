#pragma once
// `--set key.path=value` on a native configuration that is still a document.

#include <string>
#include <vector>

#include "core/json.h"
#include "run/config.h"

namespace iclora::run {

/// Writes each setting into `document`, in order, and where it came from into `places`. A value is
/// YAML; for a key that is always a text it is taken as it stands where it would be anything else.
/// A map is merged into its section, null gives the default back. Errors (exit 2): no '=', an
/// empty key, a key below one that is no section. Unknown keys are found by config_from_json.
void apply_settings(Json& document, const std::vector<std::string>& settings, Places& places);

}  // namespace iclora::run
