#pragma once
// From a configuration file and the command line to the configuration of a run.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "run/config.h"

namespace iclora::run {

struct LoadedConfig {
  Config config;  ///< name and out are settled
  /// Of a foreign file: one line a key, "KEY: used | not needed | not supported, why".
  std::vector<std::string> report;
  /// Of a foreign file: whole sentences on what is done otherwise than there.
  std::vector<std::string> notes;
};

/// Reads `file`, native or foreign (foreign_config.h), applies `settings` ("key.path=value") and
/// then `out`, the command line's --out, which wins over the file's; a setting that says otherwise
/// contradicts it (exit 2). The name defaults to the file's stem, `out` to runs/NAME. Errors as in
/// config.h.
LoadedConfig load_config(const std::filesystem::path& file,
                         const std::vector<std::string>& settings = {},
                         const std::optional<std::string>& out = std::nullopt);

/// Complete native YAML, as written to config.yaml.
std::string config_to_yaml(const Config& config);

}  // namespace iclora::run
