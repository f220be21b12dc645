#include "run/manifest.h"

#include <limits>

#include "core/error.h"
#include "core/file.h"

namespace iclora::run {
namespace {

constexpr int64_t kVersion = 1;
constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

Json unsealed(const StoredCheckpoint& checkpoint) {
  Json files = Json::array();
  for (const CheckpointFile& file : checkpoint.files) {
    files.push_back({{"name", file.name}, {"bytes", file.bytes}, {"sha256", file.sha256}});
  }
  return {{"version", kVersion}, {"step", checkpoint.step}, {"files", std::move(files)}};
}

}  // namespace

bool is_file_name(std::string_view name) {
  return !name.empty() && name.size() <= 200 && name[0] != '.' &&
         name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

std::string manifest_text(const StoredCheckpoint& checkpoint) {
  Json manifest = unsealed(checkpoint);
  manifest["sha256"] = sha256(manifest.dump());
  return manifest.dump(2) + "\n";
}

StoredCheckpoint read_manifest(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / kManifestName;
  const std::string origin = "'" + printable(path.native(), 400) + "'";
  const std::string text = read_file(path, uint64_t{16} << 20);
  const Json manifest = parse_json(text, path.native());
  const int64_t version = json_integer(manifest, "version", origin, 1, kMost);
  if (version != kVersion) {
    fail_input(
        "{} has version {}, but this program knows {}; resume with the program that saved "
        "it.",
        origin, version, kVersion);
  }
  StoredCheckpoint checkpoint{json_integer(manifest, "step", origin, 0, kMost), folder, {}};
  const auto files = manifest.find("files");
  if (files == manifest.end() || !files->is_array()) fail_input("{} lists no files.", origin);
  for (const Json& entry : *files) {
    CheckpointFile file{json_string(entry, "name", origin),
                        static_cast<uint64_t>(json_integer(entry, "bytes", origin, 0, kMost)),
                        json_string(entry, "sha256", origin)};
    if (!is_file_name(file.name)) fail_input("{} names a file in another folder.", origin);
    checkpoint.files.push_back(std::move(file));
  }
  // The one text that this version writes for these values.
  if (manifest_text(checkpoint) != text) {
    fail_input("{} is not what was saved: its SHA-256 is another.", origin);
  }
  return checkpoint;
}

}  // namespace iclora::run
