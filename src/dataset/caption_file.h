#pragma once
// caption.txt, caption.json and NAME.txt.

#include <filesystem>
#include <string>

#include "core/json.h"
#include "dataset/problem.h"
#include "dataset/set.h"

namespace iclora::dataset {

inline constexpr uint64_t kMaximumCaptionBytes = uint64_t{256} << 10;

/// The text of a caption file: UTF-8, without a byte order mark. Errors (exit 2).
std::string read_caption_text(const std::filesystem::path& path);

/// Reads a joint caption in any dialect into the set: caption, dialect, and the grid of its markers
/// where the set has none yet. Markers that cannot be understood are errors, of `set.caption_file`;
/// so is a file that is no text.
void read_caption_txt(const std::filesystem::path& path, Set& set, Problems& problems);

/// Reads {"overall": "...", "panels": ["...", ...]} into the set. Beside these may stand "trigger",
/// "dialect", "task", "grid", "boxes" and "canvas" (as in the manifest, read_manifest.h), and
/// "centres": [[x, y], ...], one a panel. Problems name the file.
void read_caption_json(const std::filesystem::path& path, Set& set, Problems& problems);

// Pieces of both caption.json and a manifest's line; `where` ("line 3: ") begins each sentence.

/// A member that must be a text; empty where there is none.
std::string text_member(const Json& object, const std::string& key, const std::string& file,
                        const std::string& where, Problems& problems);
/// [x, y], both from 0 to 1.
std::optional<Centre> centre_of(const Json& value, const std::string& file,
                                const std::string& where, Problems& problems);
/// trigger, overall, dialect, task, grid, canvas and boxes.
void read_set_members(const Json& object, const std::string& where, Set& set, Problems& problems);
/// Keys that are not in `known`: an error where a known one was probably meant, else a warning that
/// they are not used.
void report_unknown_keys(const Json& object, const std::vector<std::string>& known,
                         const std::string& file, const std::string& where, Problems& problems);

}  // namespace iclora::dataset
