// sets/<id>/1.png 2.png ... + caption.json or caption.txt.

#include <algorithm>
#include <map>

#include "dataset/caption_file.h"
#include "dataset/read_forms.h"

namespace iclora::dataset {
namespace {

namespace fs = std::filesystem;

/// The number that is the whole stem of a name; none for other names, and for more than six digits.
std::optional<int64_t> number_of(const fs::path& path) {
  const std::string stem = path.stem().native();
  if (stem.empty() || stem.size() > 6) return std::nullopt;
  int64_t number = 0;
  for (const char c : stem) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  return number;
}

const fs::path* find_name(const Listing& listing, std::string_view name) {
  const auto found =
      std::find_if(listing.files.begin(), listing.files.end(),
                   [&](const fs::path& path) { return path.filename().native() == name; });
  return found == listing.files.end() ? nullptr : &*found;
}

std::vector<PanelSource> numbered_panels(const fs::path& folder, const Listing& listing,
                                         Problems& problems) {
  std::map<int64_t, fs::path> numbered;
  for (const fs::path& path : listing.files) {
    const auto number = number_of(path);
    if (has_foreign_picture_name(path)) {
      problems.push_back({path.native(), number ? Level::error : Level::warning,
                          fmt::format("Pictures of the format '{}' are not read.",
                                      printable(path.extension().native(), 20)),
                          "Convert it to PNG, JPEG or WebP."});
      continue;
    }
    if (!has_picture_name(path)) continue;
    if (!number) {
      problems.push_back({path.native(), Level::warning,
                          "The picture is not used, since its name is no number.",
                          "Name the panels 1, 2, 3, ... in reading order."});
      continue;
    }
    const auto [place, fresh] = numbered.emplace(*number, path);
    if (!fresh) {
      problems.push_back({path.native(), Level::error,
                          fmt::format("Panel {} stands twice: '{}' is there too.", *number,
                                      printable(place->second.filename().native())),
                          "Keep one of them."});
    }
  }
  std::vector<PanelSource> panels;
  int64_t expected = 1;
  for (const auto& [number, path] : numbered) {
    if (number != expected) {
      problems.push_back({folder.native(), Level::error,
                          fmt::format("Panel {} is missing: the next picture is '{}'.", expected,
                                      printable(path.filename().native())),
                          "Number the panels 1, 2, 3, ... without a gap, in reading order."});
      expected = number;
    }
    ++expected;
    PanelSource panel;
    panel.picture = path;
    panels.push_back(std::move(panel));
  }
  return panels;
}

/// Pictures of any names, in natural order.
std::vector<PanelSource> named_panels(const Listing& listing) {
  std::vector<PanelSource> panels;
  for (const fs::path& path : listing.files) {
    if (!has_picture_name(path)) continue;
    panels.emplace_back();
    panels.back().picture = path;
  }
  return panels;
}

/// NAME.txt beside each picture: the parts of a joint caption. False when there is none at all.
bool take_own_texts(const Listing& listing, Set& set, Problems& problems) {
  std::vector<std::string> parts;
  for (const PanelSource& panel : set.panels) {
    const fs::path text = fs::path(panel.picture).replace_extension(".txt");
    parts.emplace_back();
    if (find_name(listing, text.filename().native()) == nullptr) continue;
    set.caption_file = text.native();
    try {
      parts.back() = captions::squeeze(read_caption_text(text));
    } catch (const Error& error) {
      problems.push_back({text.native(), Level::error, error.what(), "Save it as UTF-8 text."});
    }
  }
  if (set.caption_file.empty()) return false;
  set.caption.panels = std::move(parts);
  return true;
}

}  // namespace

bool is_set_folder(const Listing& listing) {
  const auto numbered = std::count_if(
      listing.files.begin(), listing.files.end(),
      [](const fs::path& path) { return has_picture_name(path) && number_of(path).has_value(); });
  if (numbered == 0) return false;
  if (find_name(listing, "caption.txt") != nullptr ||
      find_name(listing, "caption.json") != nullptr) {
    return true;
  }
  return std::none_of(listing.files.begin(), listing.files.end(), [](const fs::path& path) {
    return path.extension() == ".txt" && number_of(path).has_value();
  });
}

std::optional<Set> read_set_folder(const fs::path& folder, const fs::path& root, bool raw,
                                   Problems& problems) {
  const Listing listing = list_folder(folder, root, problems);
  const std::string& name = folder.native();
  Set set;
  set.id = folder.filename().native();
  set.file = name;
  if (!is_safe_name(set.id)) {
    problems.push_back({name, Level::error, "The folder's name cannot be the name of a set.",
                        "Use letters, digits, hyphens and single spaces."});
  }
  for (const fs::path& inner : listing.folders) {
    problems.push_back({inner.native(), Level::warning, "A folder inside a set is not read.",
                        "Put the pictures of a set directly into its folder."});
  }
  const bool by_number =
      !raw || std::any_of(listing.files.begin(), listing.files.end(), [](const fs::path& path) {
        return has_picture_name(path) && number_of(path);
      });
  set.panels = by_number ? numbered_panels(folder, listing, problems) : named_panels(listing);
  const fs::path* text = find_name(listing, "caption.txt");
  const fs::path* json = find_name(listing, "caption.json");
  if (set.panels.empty()) {
    problems.push_back(
        {name, Level::error,
         raw ? "The folder holds no pictures." : "The folder holds no pictures named 1, 2, ....",
         "Put the panels there as 1.png, 2.png, ..., or remove the folder."});
  }
  if (text != nullptr && json != nullptr) {
    problems.push_back(
        {name, Level::error, "There are caption.txt and caption.json.", "Keep one of them."});
  } else if (json != nullptr) {
    set.caption_file = json->native();
    read_caption_json(*json, set, problems);
  } else if (text != nullptr) {
    read_caption_txt(*text, set, problems);
  } else if (raw && take_own_texts(listing, set, problems)) {
    // Each picture has its own text.
  } else if (!set.panels.empty()) {
    problems.push_back({name, raw ? Level::warning : Level::error, "The set has no caption.",
                        "Write caption.txt (a joint caption) or caption.json ({\"overall\": "
                        "\"...\", \"panels\": [\"...\"]})."});
  }
  if (set.panels.empty()) return std::nullopt;
  return set;
}

}  // namespace iclora::dataset
