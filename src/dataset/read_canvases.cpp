// Glued canvases: NAME.jpg|png|webp + NAME.txt, as the paper's authors publish theirs.

#include <algorithm>
#include <map>
#include <set>

#include "dataset/caption_file.h"
#include "dataset/read_forms.h"

namespace iclora::dataset {
namespace {

namespace fs = std::filesystem;

/// A text that belongs to no picture: a caption whose picture is missing, or notes.
void report_lone_text(const fs::path& path, Problems& problems) {
  bool caption = false;
  try {
    const captions::Parsed parsed = captions::parse(read_caption_text(path));
    caption = parsed.dialect || !parsed.caption.trigger.empty();
  } catch (const Error&) {
    // Not a caption, then.
  }
  problems.push_back({path.native(), caption ? Level::error : Level::warning,
                      caption ? "The caption has no picture of its name."
                              : "The text is not used, since no picture has its name.",
                      "Add the picture, or remove the text."});
}

}  // namespace

std::vector<Set> read_canvases(const Listing& listing, bool raw, Problems& problems) {
  std::map<std::string, fs::path> texts;
  for (const fs::path& path : listing.files) {
    if (path.extension() == ".txt") texts.emplace(path.stem().native(), path);
  }
  std::vector<Set> sets;
  std::map<std::string, std::string> taken;  // stem: name
  for (const fs::path& path : listing.files) {
    if (has_foreign_picture_name(path)) {
      problems.push_back({path.native(), Level::error,
                          fmt::format("Pictures of the format '{}' are not read.",
                                      printable(path.extension().native(), 20)),
                          "Convert it to PNG, JPEG or WebP."});
      taken.emplace(path.stem().native(), path.filename().native());
    }
    if (!has_picture_name(path)) continue;
    Set set;
    set.id = path.stem().native();
    set.file = path.native();
    set.panels.emplace_back();
    set.panels[0].picture = path;
    const auto [place, fresh] = taken.emplace(set.id, path.filename().native());
    const auto text = texts.find(set.id);
    if (!fresh) {
      problems.push_back(
          {set.file, Level::error,
           fmt::format("The name stands twice: '{}' is there too.", printable(place->second)),
           "Keep one of them."});
    } else if (!is_safe_name(set.id)) {
      problems.push_back({set.file, Level::error, "The name cannot be the name of a set.",
                          "Use letters, digits, hyphens and single spaces."});
    } else if (text == texts.end()) {
      problems.push_back({set.file, raw ? Level::warning : Level::error,
                          "The canvas has no caption.",
                          fmt::format("Write its joint caption into {}.txt.", printable(set.id))});
    } else {
      read_caption_txt(text->second, set, problems);
    }
    sets.push_back(std::move(set));
  }
  for (const auto& [stem, path] : texts) {
    if (!taken.contains(stem)) report_lone_text(path, problems);
  }
  return sets;
}

}  // namespace iclora::dataset
