#pragma once
// A configuration of ai-toolkit, such as the paper's movie-shots.yml, as a native one.

#include <string>
#include <vector>

#include "core/json.h"
#include "run/config.h"

namespace iclora::run {

struct Translation {
  Json document;  ///< native keys, not yet checked by config_from_json
  Places places;  ///< of those that the file has, by native key
  /// One line a key of the file, in its order: "KEY: used", "KEY: not needed", or
  /// "KEY: not supported, why". KEY is the dotted path, entries of lists by number from 0.
  std::vector<std::string> report;
  std::vector<std::string> notes;  ///< whole sentences
};

/// Whether a document is of the foreign form: `job: extension`.
bool is_foreign(const Json& document);

/// What the file leaves out gets ai-toolkit's own default, not ours. `panel_given`: the panel's
/// size is set on the command line and takes the place of the file's resolutions. Errors (exit 2)
/// for what cannot be trained at all: no or several processes, another kind of process, network or
/// model, several data folders. Anything else that has no counterpart is reported.
Translation translate(const Json& document, const std::string& origin, bool panel_given);

}  // namespace iclora::run
