#include "dataset/write_caption.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "core/error.h"
#include "core/file.h"
#include "core/json.h"
#include "dataset/caption_file.h"

namespace iclora::dataset {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaximumManifestBytes = uint64_t{256} << 20;

/// Named by the data set itself, or as the program has to say it because the grid would give
/// another.
void state_options(Json& json, const Set& set, const panels::Grid& grid,
                   const DataOptions& options) {
  if (!options.trigger.empty()) json["trigger"] = options.trigger;
  const auto count = static_cast<int64_t>(set.panels.size());
  const bool stated = json.contains("grid") || json.contains("boxes");
  if (options.grid && !stated && grid != panels::Grid{count, 1}) {
    json["grid"] = panels::to_string(grid);
  }
  if (options.dialect) json["dialect"] = std::string(captions::name_of(*options.dialect));
}

void write_json(const fs::path& path, const Set& set, const captions::JointCaption& caption,
                const panels::Grid& grid, const DataOptions& options) {
  std::error_code ignored;
  Json json = Json::object();
  if (fs::exists(path, ignored)) {
    json = parse_json(read_caption_text(path), "'" + printable(path.native(), 400) + "'");
  }
  if (!json.is_object()) {
    fail_input("'{}' is no JSON object; remove it, then run again", printable(path.native(), 400));
  }
  json["overall"] = caption.overall;
  json["panels"] = caption.panels;
  state_options(json, set, grid, options);
  write_file(path, json.dump(2) + "\n");
}

void write_txt(const fs::path& path, const Set& set, captions::JointCaption caption,
               const panels::Grid& grid, const DataOptions& options) {
  caption.trigger = options.trigger.empty() ? set.caption.trigger : options.trigger;
  write_file(path, captions::render(caption, dialect_of(set, grid, options)) + "\n");
}

/// The same id, written as a text or as a number.
bool has_id(const Json& line, const std::string& id) {
  const auto found = line.is_object() ? line.find("id") : line.end();
  if (!line.is_object() || found == line.end()) return false;
  return found->is_string() ? found->get<std::string>() == id
                            : found->is_number_integer() && found->dump() == id;
}

std::string line_with_caption(Json json, const Set& set, const captions::JointCaption& caption,
                              const panels::Grid& grid, const DataOptions& options) {
  json["overall"] = caption.overall;
  Json& panels = json["panels"];
  for (size_t i = 0; i < panels.size(); ++i) {
    if (caption.panels.empty()) {
      panels[i].erase("caption");
    } else {
      panels[i]["caption"] = caption.panels.at(i);
    }
  }
  state_options(json, set, grid, options);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Reads the manifest anew, since it may have been edited while the model was thinking.
void write_line(const fs::path& path, const Set& set, const captions::JointCaption& caption,
                const panels::Grid& grid, const DataOptions& options) {
  const std::string shown = printable(path.native(), 400);
  const std::string text = read_file(path, kMaximumManifestBytes);
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = std::string_view(text).substr(at, end - at);
    if (at == 0 && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
    while (line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
    // Only a line that can be the one is read as JSON.
    if (line.find(set.id) != std::string_view::npos) {
      Json json = parse_json(line, "a line of '" + shown + "'");
      if (has_id(json, set.id)) {
        if (!json.contains("panels") || json["panels"].size() != set.panels.size()) break;
        const auto begin = static_cast<size_t>(line.data() - text.data());
        std::string out = text;
        out.replace(begin, line.size(),
                    line_with_caption(std::move(json), set, caption, grid, options));
        write_file(path, out);
        return;
      }
    }
    at = end + 1;
  }
  fail_input(
      "'{}' was changed while the captions were made: the set '{}' is not there as it was; "
      "run again",
      shown, printable(set.id));
}

}  // namespace

bool has_caption(const Set& set) {
  const captions::JointCaption& caption = set.caption;
  return !captions::squeeze(caption.overall).empty() ||
         std::any_of(caption.panels.begin(), caption.panels.end(),
                     [](const std::string& part) { return !captions::squeeze(part).empty(); });
}

fs::path caption_path(const Set& set, Form form, std::optional<captions::Dialect> dialect) {
  fs::path file = set.caption_file;
  switch (form) {
    case Form::manifest:
      return file;
    case Form::canvases:
      return fs::path(set.panels.at(0).picture).replace_extension(".txt");
    case Form::folders:
      break;
  }
  if (file.filename() == "caption.json" || file.filename() == "caption.txt") return file;
  return fs::path(set.file) / (dialect ? "caption.txt" : "caption.json");
}

void write_caption(const Set& set, Form form, const captions::JointCaption& caption,
                   const panels::Grid& grid, const DataOptions& options) {
  const fs::path path = caption_path(set, form, options.dialect);
  if (form == Form::manifest) {
    write_line(path, set, caption, grid, options);
  } else if (path.filename() == "caption.json" && form == Form::folders) {
    write_json(path, set, caption, grid, options);
  } else {
    write_txt(path, set, caption, grid, options);
  }
}

}  // namespace iclora::dataset
