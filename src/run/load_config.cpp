#include "run/load_config.h"

#include "core/error.h"
#include "core/yaml.h"
#include "run/settings.h"
#include "run/yaml_writer.h"

namespace iclora::run {

LoadedConfig load_config(const std::filesystem::path& file,
                         const std::vector<std::string>& settings,
                         const std::optional<std::string>& out) {
  LoadedConfig loaded;
  Json document = read_yaml(file);
  if (document.is_null()) document = Json::object();
  const std::string origin = "'" + printable(file.native(), 400) + "'";
  Places places;
  if (!document.is_object()) {
    fail_input("{} must hold a map of keys such as 'model: …', but it holds something else",
               origin);
  }
  apply_settings(document, settings, places);
  loaded.config = config_from_json(document, origin, places);
  Config& config = loaded.config;
  if (config.name.empty()) config.name = file.stem().native();
  if (out) config.out = *out;
  if (config.out.empty()) config.out = "runs/" + config.name;
  return loaded;
}

std::string config_to_yaml(const Config& config) {
  return to_yaml(config_to_json(config));
}

}  // namespace iclora::run
