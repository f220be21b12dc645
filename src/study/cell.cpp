#include "study/cell.h"

#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "core/log.h"
#include "panels/split_picture.h"

namespace iclora::study {
namespace {

namespace fs = std::filesystem;

/// Another one where equal settings are to be drawn or measured anew.
constexpr int64_t kVersion = 1;
constexpr size_t kKeyDigits = 20;
constexpr int64_t kMost = int64_t{1} << 40;

Json measures_json(const eval::Measures& measures) {
  Json out = Json::object();
  for (const auto& [name, one] : measures) out[name] = {one.sum, one.weight};
  return out;
}

eval::Measures measures_from_json(const Json& json) {
  eval::Measures out;
  for (const auto& [name, one] : json.items()) {
    out[name] = {one.at(0).get<double>(), one.at(1).get<double>()};
  }
  return out;
}

Cell cell_from_json(const Json& json, const std::string& origin) {
  json_integer(json, "version", origin, kVersion, kVersion);
  Cell out;
  out.key = json_string(json, "key", origin);
  out.task = json_string(json, "task", origin);
  out.label = json_string(json, "row", origin);
  out.about = json.at("about");
  for (const Json& set : json.at("sets")) {
    out.ids.push_back(json_string(set, "id", origin));
    out.measures.push_back(measures_from_json(set.at("measures")));
  }
  if (json.contains("feature_distance")) {
    out.feature_distance = json_number(json, "feature_distance", origin);
  }
  if (json.contains("frechet")) out.frechet = json_number(json, "frechet", origin);
  out.canvases = json_integer(json, "canvases", origin, 0, kMost);
  out.seconds = json_number(json, "seconds", origin);
  out.steps = json_integer(json, "steps", origin, 0, kMost);
  if (const auto training = json.find("training"); training != json.end()) {
    out.training = TrainingRecord{
        json_string(*training, "key", origin), json_integer(*training, "sets", origin, 0, kMost),
        json_integer(*training, "steps", origin, 0, kMost),
        json_number(*training, "seconds", origin), json_number(*training, "loss", origin)};
  }
  for (const Json& file : json.at("pictures")) out.pictures.push_back(file.get<std::string>());
  return out;
}

Json cell_to_json(const Cell& cell) {
  Json sets = Json::array();
  for (size_t i = 0; i < cell.ids.size(); ++i) {
    sets.push_back({{"id", cell.ids[i]}, {"measures", measures_json(cell.measures[i])}});
  }
  Json json = {{"version", kVersion}, {"key", cell.key},     {"task", cell.task},
               {"row", cell.label},   {"about", cell.about}, {"sets", sets}};
  if (cell.feature_distance) json["feature_distance"] = *cell.feature_distance;
  if (cell.frechet) json["frechet"] = *cell.frechet;
  json["canvases"] = cell.canvases;
  json["seconds"] = cell.seconds;
  json["steps"] = cell.steps;
  if (cell.training) {
    json["training"] = {{"key", cell.training->key},
                        {"sets", cell.training->sets},
                        {"steps", cell.training->steps},
                        {"seconds", cell.training->seconds},
                        {"loss", cell.training->loss}};
  }
  json["pictures"] = cell.pictures;
  return json;
}

}  // namespace

std::string cell_key(const Json& about) {
  return sha256(fmt::format("cell {}\n{}", kVersion, about.dump())).substr(0, kKeyDigits);
}

std::optional<Cell> CellStore::find(const std::string& key) const {
  const fs::path file = folder_of(key) / "cell.json";
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return std::nullopt;
  const std::string origin = "'" + printable(file.native(), 400) + "'";
  try {
    Cell cell = cell_from_json(read_json(file), origin);
    if (cell.key == key) return cell;
    log::warning("{} is not what its folder says; it is made anew.", origin);
  } catch (const std::exception& error) {
    log::warning("{} cannot be used, so that it is made anew: {}", origin, error.what());
  }
  return std::nullopt;
}

void CellStore::keep(Cell& cell, const eval::Row& row, int64_t pictures) const {
  const fs::path folder = folder_of(cell.key);
  std::vector<panels::NamedPicture> canvases;
  for (size_t i = 0; i < row.sets.size() && static_cast<int64_t>(i) < pictures; ++i) {
    canvases.push_back({fmt::format("{:04}.png", i + 1), row.sets[i].front().canvas, {}});
    cell.pictures.push_back(canvases.back().name);
  }
  create_folders(folder);
  panels::write_pictures(folder, canvases);
  write_file(folder / "cell.json", cell_to_json(cell).dump(1) + "\n");
}

}  // namespace iclora::study
