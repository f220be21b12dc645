#include "dataset/read_sets.h"

#include <algorithm>
#include <map>

#include "captions/lint.h"
#include "core/log.h"
#include "dataset/parallel.h"
#include "dataset/picture.h"
#include "dataset/read_forms.h"

namespace iclora::dataset {
namespace {

namespace fs = std::filesystem;

bool any_picture(const Listing& listing) {
  return std::any_of(listing.files.begin(), listing.files.end(), [](const fs::path& path) {
    return has_picture_name(path) || has_foreign_picture_name(path);
  });
}

bool has_file(const Listing& listing, std::string_view name) {
  return std::any_of(listing.files.begin(), listing.files.end(),
                     [&](const fs::path& path) { return path.filename().native() == name; });
}

struct Reader {
  const fs::path root;
  const bool raw;
  Scan& scan;

  void add_folder(const fs::path& folder) {
    ++scan.found;
    if (auto set = read_set_folder(folder, root, raw, scan.problems)) {
      scan.sets.push_back(std::move(*set));
    }
  }

  void add_all(std::vector<Set> sets) {
    scan.found += sets.size();
    std::erase_if(sets, [](const Set& set) { return set.panels.empty(); });
    scan.sets = std::move(sets);
  }

  void warn_of_folders(const Listing& listing, const std::string& what) {
    for (const fs::path& folder : listing.folders) {
      scan.problems.push_back(
          {folder.native(), Level::warning, what, "Make it a data set of its own, or remove it."});
    }
  }

  void read_file(const fs::path& file) {
    if (file.extension() == ".jsonl") {
      scan.form = Form::manifest;
      add_all(read_manifest(file, scan.problems));
      return;
    }
    scan.problems.push_back({file.native(), Level::error, "This file is no data set.",
                             file.extension() == ".zip"
                                 ? "Unpack it and name the folder."
                                 : "Name a folder with sets, or a sets.jsonl."});
  }

  void read_folder(const fs::path& folder, int depth) {
    const Listing listing = list_folder(folder, root, scan.problems);
    if (has_file(listing, "sets.jsonl")) {
      read_file(folder / "sets.jsonl");
      return;
    }
    if (is_set_folder(listing)) {
      add_folder(folder);
      return;
    }
    if (any_picture(listing)) {
      scan.form = Form::canvases;
      add_all(read_canvases(listing, raw, scan.problems));
      warn_of_folders(listing, "The folder beside the canvases is not read.");
      return;
    }
    const auto sets = std::find_if(listing.folders.begin(), listing.folders.end(),
                                   [](const fs::path& path) { return path.filename() == "sets"; });
    if (sets != listing.folders.end()) {
      read_folder(*sets, depth + 1);
      return;
    }
    // What an archive unpacks to: a folder in a folder.
    constexpr int kDeepest = 4;
    if (listing.folders.size() == 1 && depth < kDeepest) {
      Problems told_again;
      const Listing inner = list_folder(listing.folders[0], root, told_again);
      if (!is_set_folder(inner) &&
          (any_picture(inner) || !inner.folders.empty() || has_file(inner, "sets.jsonl"))) {
        read_folder(listing.folders[0], depth + 1);
        return;
      }
    }
    for (const fs::path& inner : listing.folders) add_folder(inner);
  }
};

/// Size and hash of every picture, each file read once. Sets with a picture that cannot be read are
/// left out.
void add_facts(Scan& scan) {
  std::map<fs::path, PictureFacts> facts;
  for (const Set& set : scan.sets) {
    for (const PanelSource& panel : set.panels) facts[panel.picture];
  }
  std::vector<std::pair<const fs::path*, PictureFacts*>> work;
  work.reserve(facts.size());
  for (auto& [path, fact] : facts) work.emplace_back(&path, &fact);
  std::vector<std::string> failures(work.size());
  for_each_parallel(work.size(), [&](size_t i) {
    try {
      *work[i].second = picture_facts(*work[i].first);
    } catch (const Error& error) {
      failures[i] = error.what();
    }
  });
  for (size_t i = 0; i < work.size(); ++i) {
    if (failures[i].empty()) continue;
    scan.problems.push_back({work[i].first->native(), Level::error, failures[i],
                             "Replace it with a PNG, JPEG or WebP that opens."});
  }
  std::erase_if(scan.sets, [&](Set& set) {
    for (PanelSource& panel : set.panels) {
      const PictureFacts& fact = facts[panel.picture];
      if (fact.sha256.empty()) return true;
      panel.size = fact.size;
      panel.sha256 = fact.sha256;
    }
    return false;
  });
}

/// A canvas becomes its panels. A set of one panel stays the whole picture.
void cut_canvas(Set& set, const std::optional<panels::Grid>& grid, Problems& problems) {
  const panels::Grid cut = grid.value_or(set.grid.value_or(panels::Grid{1, 1}));
  if (cut.count() == 1) return;
  const PanelSource whole = set.panels[0];
  try {
    const panels::Layout layout = panels::cut_layout(cut, whole.size.width, whole.size.height);
    set.panels.clear();
    for (const panels::Box& box : layout.boxes) {
      PanelSource panel = whole;
      panel.box = box;
      panel.size = {box.width, box.height};
      set.panels.push_back(std::move(panel));
    }
  } catch (const Error& error) {
    problems.push_back(
        {set.file, Level::error, error.what(), "Use another grid, or a larger picture."});
  }
}

/// Parts against pictures.
void check_count(const Set& set, Problems& problems) {
  const size_t parts = set.caption.panels.size();
  if (parts == 0 || parts == set.panels.size()) return;
  problems.push_back(
      {set.caption_file, Level::error,
       fmt::format("The caption{} describes {} panels, but there {} {}.",
                   set.caption_file.ends_with(".jsonl") ? " of set '" + set.id + "'" : "", parts,
                   set.panels.size() == 1 ? "is" : "are", set.panels.size()),
       "Write one part a panel, in reading order, or check the grid."});
}

/// Captions that come in pieces: what a text's own markers cannot have.
void check_pieces(const Set& set, Problems& problems) {
  for (const captions::Fault& fault : captions::lint_inner_markers(set.caption)) {
    problems.push_back({set.caption_file, fault.severe ? Level::error : Level::warning,
                        fmt::format("Set '{}': {}", printable(set.id), fault.what), fault.remedy});
  }
}

void check_not_empty(const Set& set, Problems& problems) {
  const captions::JointCaption& caption = set.caption;
  const bool empty =
      captions::squeeze(caption.trigger).empty() && captions::squeeze(caption.overall).empty() &&
      std::all_of(caption.panels.begin(), caption.panels.end(),
                  [](const std::string& part) { return captions::squeeze(part).empty(); });
  if (!empty || set.caption_file.empty()) return;
  const bool shared = set.caption_file.ends_with(".jsonl");
  // A file that could not be read only looks empty.
  const auto is_wrong = [&](const Problem& problem) {
    return problem.level == Level::error && problem.file == set.caption_file;
  };
  if (!shared && std::any_of(problems.begin(), problems.end(), is_wrong)) return;
  problems.push_back({set.caption_file, Level::error,
                      shared ? fmt::format("The caption of set '{}' is empty.", printable(set.id))
                             : "The caption is empty.",
                      "Describe the set as a whole, then each panel."});
}

}  // namespace

Scan scan_sets(const fs::path& path, const ReadOptions& options) {
  Scan scan;
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) {
    scan.problems.push_back({path.native(), Level::error, "There is no such file or folder.",
                             "Check the path of the data set."});
    return scan;
  }
  // "sets/" names the folder itself.
  const fs::path clean = path.has_filename() ? path : path.parent_path();
  Reader reader{fs::is_directory(status) ? clean : clean.parent_path(), options.raw, scan};
  if (fs::is_directory(status)) {
    reader.read_folder(clean, 0);
  } else {
    reader.read_file(clean);
  }
  if (scan.found == 0 && !has_errors(scan.problems)) {
    scan.problems.push_back(
        {path.native(), Level::error, "There is no set here.",
         "Expected are folders with 1.png, 2.png, ... and a caption.txt, a sets.jsonl, or canvases "
         "NAME.jpg with NAME.txt."});
  }
  add_facts(scan);
  for (Set& set : scan.sets) {
    if (scan.form == Form::canvases) cut_canvas(set, options.grid, scan.problems);
    check_count(set, scan.problems);
    if (!options.raw) check_not_empty(set, scan.problems);
    if (!set.caption_file.ends_with(".txt")) check_pieces(set, scan.problems);
  }
  sort_problems(scan.problems);
  return scan;
}

std::vector<Set> read_sets(const fs::path& path, const ReadOptions& options) {
  Scan scan = scan_sets(path, options);
  throw_errors(scan.problems, path.native());
  for (const Problem& problem : scan.problems) log::warning("{}", line_of(problem));
  return std::move(scan.sets);
}

}  // namespace iclora::dataset
