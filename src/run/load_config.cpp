#include "run/load_config.h"

#include "core/error.h"
#include "core/yaml.h"
#include "run/foreign_config.h"
#include "run/settings.h"
#include "run/yaml_writer.h"

namespace iclora::run {
namespace {

/// Whether the command line gives panels a size.
bool sets_panel(const std::vector<std::string>& settings) {
  Json given = Json::object();
  Places ignored;
  apply_settings(given, settings, ignored);
  const Json panel = given.value(Json::json_pointer("/data/panel"), Json());
  return !panel.is_null() && panel != "auto";
}

}  // namespace

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
  if (is_foreign(document)) {
    Translation translation = translate(document, origin, sets_panel(settings));
    document = std::move(translation.document);
    places = std::move(translation.places);
    loaded.report = std::move(translation.report);
    loaded.notes = std::move(translation.notes);
  }
  apply_settings(document, settings, places);
  loaded.config = config_from_json(document, origin, places);
  Config& config = loaded.config;
  if (config.name.empty()) config.name = file.stem().native();
  if (out) {
    const auto set = places.find("out");
    const bool stated = set != places.end() && set->second == "--set out" && !config.out.empty();
    if (stated && config.out != *out) {
      fail_input("--out is '{}', but --set out says '{}'; leave one of them out",
                 printable(*out, 400), printable(config.out, 400));
    }
    config.out = *out;
  }
  if (config.out.empty()) config.out = "runs/" + config.name;
  return loaded;
}

std::string config_to_yaml(const Config& config) {
  return to_yaml(config_to_json(config));
}

}  // namespace iclora::run
