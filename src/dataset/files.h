#pragma once
// Names in a data set's folders: what is looked at, in which order, and what is unsafe.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "dataset/problem.h"

namespace iclora::dataset {

/// Hidden files, AppleDouble twins (._NAME) and __MACOSX, Thumbs.db, desktop.ini: never part of a
/// data set.
bool is_ignored(const std::filesystem::path& name);

/// By its extension, in any case: .png, .jpg, .jpeg, .webp. What is inside is checked on reading.
bool has_picture_name(const std::filesystem::path& path);
/// Pictures of other formats, such as .gif or .tiff, which are not read.
bool has_foreign_picture_name(const std::filesystem::path& path);

/// 2 before 10, otherwise byte by byte; equal only for equal texts.
bool natural_less(std::string_view a, std::string_view b);

struct Listing {
  std::vector<std::filesystem::path> files;    ///< in natural order
  std::vector<std::filesystem::path> folders;  ///< the same
};
/// What is in a folder, ignored names left out. Links that are broken or lead out of `root`, and
/// what is neither file nor folder, are errors in `problems`.
Listing list_folder(const std::filesystem::path& folder, const std::filesystem::path& root,
                    Problems& problems);

/// Why a path that stands in a manifest must not be followed from `root`; none when it may.
/// Absolute paths, "..", control characters, and links that lead out of the folder.
std::optional<std::string> unsafe_path(const std::string& path, const std::filesystem::path& root);

/// Whether `text` can be the name of a set, and so of a folder: not empty, at most 200 bytes, no
/// slash, no control character, no leading dot, no white space at its ends, UTF-8.
bool is_safe_name(std::string_view text);

}  // namespace iclora::dataset
