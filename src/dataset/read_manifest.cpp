// sets.jsonl: one set a line, {"id","task","grid","overall","panels":[{"image","caption"}]}.

#include <algorithm>
#include <map>

#include "core/file.h"
#include "dataset/caption_file.h"
#include "dataset/read_forms.h"

namespace iclora::dataset {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaximumManifestBytes = uint64_t{256} << 20;

struct Reader {
  const fs::path file;
  const fs::path root;
  Problems& problems;

  void error(const std::string& what, const std::string& remedy) {
    problems.push_back({file.native(), Level::error, what, remedy});
  }

  std::optional<PanelSource> read_panel(const Json& entry, const std::string& where, Set& set) {
    if (!entry.is_object()) {
      error(where + "a panel must be an object.",
            "Write {\"image\": \"...\", \"caption\": \"...\"}.");
      return std::nullopt;
    }
    report_unknown_keys(entry, {"image", "caption", "centre"}, file.native(), where, problems);
    set.caption.panels.push_back(text_member(entry, "caption", file.native(), where, problems));
    const std::string image = text_member(entry, "image", file.native(), where, problems);
    if (const auto unsafe = unsafe_path(image, root)) {
      error(fmt::format("{}the path '{}' {}.", where, printable(image), *unsafe),
            "Name a picture inside the data set, by its path from the manifest's folder.");
      return std::nullopt;
    }
    PanelSource panel;
    panel.picture = root / image;
    if (entry.contains("centre")) {
      panel.centre = centre_of(entry["centre"], file.native(), where, problems);
    }
    return panel;
  }

  std::optional<Set> read_line(std::string_view line, size_t number) {
    const std::string where = fmt::format("Line {}: ", number);
    Json json;
    try {
      json = parse_json(line, fmt::format("Line {}", number));
    } catch (const Error& failure) {
      error(failure.what(), "Write one JSON object a line.");
      return std::nullopt;
    }
    if (!json.is_object()) {
      error(where + "a set must be an object.", "Write one JSON object a line.");
      return std::nullopt;
    }
    report_unknown_keys(
        json, {"id", "task", "grid", "overall", "panels", "trigger", "dialect", "canvas", "boxes"},
        file.native(), where, problems);
    Set set;
    set.caption_file = file.native();
    if (const auto id = json.find("id"); id != json.end() && id->is_number_integer()) {
      set.id = id->dump();
    } else {
      set.id = text_member(json, "id", file.native(), where, problems);
    }
    if (!is_safe_name(set.id)) {
      error(fmt::format("{}the id '{}' cannot be the name of a set.", where, printable(set.id)),
            "Give each set an id of its own, without slashes or a dot in front.");
      return std::nullopt;
    }
    set.file = fmt::format("{}:{}", file.native(), number);
    read_set_members(json, where, set, problems);
    const auto panels = json.find("panels");
    if (panels == json.end() || !panels->is_array() || panels->empty()) {
      error(where + "'panels' must be a list of panels.",
            "Write \"panels\": [{\"image\": \"...\", \"caption\": \"...\"}, ...].");
      return std::nullopt;
    }
    bool complete = true;
    for (size_t i = 0; i < panels->size(); ++i) {
      const auto panel =
          read_panel((*panels)[i], fmt::format("Line {}, panel {}: ", number, i + 1), set);
      if (panel) set.panels.push_back(*panel);
      complete = complete && panel;
    }
    // Without any part this is one text about the whole set.
    const bool any_part = std::any_of(panels->begin(), panels->end(), [](const Json& panel) {
      return panel.is_object() && panel.contains("caption");
    });
    if (!any_part) set.caption.panels.clear();
    if (!complete) return std::nullopt;
    return set;
  }
};

}  // namespace

std::vector<Set> read_manifest(const fs::path& file, Problems& problems) {
  const fs::path root = file.has_parent_path() ? file.parent_path() : fs::path(".");
  Reader reader{file, root, problems};
  std::string text;
  try {
    text = read_file(file, kMaximumManifestBytes);
  } catch (const Error& error) {
    reader.error(error.what(), "Check the file.");
    return {};
  }
  std::vector<Set> sets;
  std::map<std::string, size_t> lines;
  std::string_view rest = text;
  if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
  for (size_t number = 1; !rest.empty(); ++number) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    auto set = reader.read_line(line, number);
    if (!set) {
      // Kept as a set that was found but cannot be used.
      sets.emplace_back();
      continue;
    }
    const auto [place, fresh] = lines.emplace(set->id, number);
    if (!fresh) {
      reader.error(fmt::format("Line {}: the id '{}' stands already in line {}.", number,
                               printable(set->id), place->second),
                   "Give each set an id of its own.");
    }
    sets.push_back(std::move(*set));
  }
  return sets;
}

}  // namespace iclora::dataset
