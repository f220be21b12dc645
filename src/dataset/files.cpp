#include "dataset/files.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "tokenizers/unicode.h"

namespace iclora::dataset {
namespace {

namespace fs = std::filesystem;

std::string lower_extension(const fs::path& path) {
  std::string extension = path.extension().native();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return extension;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

/// Whether what `path` leads to, links followed, is inside `root`.
bool stays_inside(const fs::path& path, const fs::path& root) {
  std::error_code error;
  const fs::path real = fs::weakly_canonical(path, error);
  if (error) return false;
  const fs::path base = fs::weakly_canonical(root, error);
  if (error) return false;
  return std::mismatch(base.begin(), base.end(), real.begin(), real.end()).first == base.end();
}

bool valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = tokenizers::utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace

bool is_ignored(const fs::path& name) {
  const std::string text = name.filename().native();
  return text.starts_with('.') || text == "__MACOSX" || text == "Thumbs.db" ||
         text == "desktop.ini";
}

bool has_picture_name(const fs::path& path) {
  const std::string extension = lower_extension(path);
  return extension == ".png" || extension == ".jpg" || extension == ".jpeg" || extension == ".webp";
}

bool has_foreign_picture_name(const fs::path& path) {
  static constexpr std::array<std::string_view, 11> kForeign = {
      ".gif", ".tif", ".tiff", ".bmp", ".heic", ".heif", ".avif", ".jxl", ".jp2", ".psd", ".svg"};
  return std::find(kForeign.begin(), kForeign.end(), lower_extension(path)) != kForeign.end();
}

bool natural_less(std::string_view a, std::string_view b) {
  size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (!is_digit(a[i]) || !is_digit(b[j])) {
      if (a[i] != b[j]) return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[j]);
      ++i, ++j;
      continue;
    }
    const auto number = [](std::string_view text, size_t& at) {
      while (at < text.size() && text[at] == '0') ++at;
      const size_t begin = at;
      while (at < text.size() && is_digit(text[at])) ++at;
      return text.substr(begin, at - begin);
    };
    const std::string_view first = number(a, i), second = number(b, j);
    if (first.size() != second.size()) return first.size() < second.size();
    if (first != second) return first < second;
  }
  if (a.size() - i != b.size() - j) return a.size() - i < b.size() - j;
  return a < b;  // such as 01 and 1
}

Listing list_folder(const fs::path& folder, const fs::path& root, Problems& problems) {
  Listing listing;
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  if (error) {
    problems.push_back({folder.native(), Level::error,
                        fmt::format("The folder cannot be read: {}.", error.message()),
                        "Check the path and its rights."});
    return listing;
  }
  for (const fs::directory_entry& entry : entries) {
    const fs::path& path = entry.path();
    if (is_ignored(path)) continue;
    const bool link = entry.is_symlink(error);
    const fs::file_status status = entry.status(error);
    if (!fs::exists(status)) {
      problems.push_back({path.native(), Level::error, "The link leads nowhere.",
                          "Put the file itself here, or remove the link."});
    } else if (link && !stays_inside(path, root)) {
      problems.push_back({path.native(), Level::error, "The link leads out of the data set.",
                          "Copy the file into the data set."});
    } else if (fs::is_directory(status)) {
      listing.folders.push_back(path);
    } else if (fs::is_regular_file(status)) {
      listing.files.push_back(path);
    } else {
      problems.push_back({path.native(), Level::error, "This is neither a file nor a folder.",
                          "Remove it from the data set."});
    }
  }
  const auto by_name = [](const fs::path& a, const fs::path& b) {
    return natural_less(a.filename().native(), b.filename().native());
  };
  std::sort(listing.files.begin(), listing.files.end(), by_name);
  std::sort(listing.folders.begin(), listing.folders.end(), by_name);
  return listing;
}

std::optional<std::string> unsafe_path(const std::string& path, const fs::path& root) {
  if (path.empty()) return "is empty";
  if (!valid_utf8(path)) return "is not UTF-8";
  if (std::any_of(path.begin(), path.end(), is_control)) return "has a control character";
  if (path.find('\\') != std::string::npos) return "has a backslash";
  const fs::path relative = path;
  if (relative.is_absolute()) return "is absolute";
  for (const fs::path& part : relative) {
    if (part == "..") return "has '..' in it";
  }
  if (!stays_inside(root / relative, root)) return "leads out of the data set through a link";
  return std::nullopt;
}

bool is_safe_name(std::string_view text) {
  if (text.empty() || text.size() > 200 || text.front() == '.' || text.front() == ' ' ||
      text.back() == ' ') {
    return false;
  }
  return valid_utf8(text) && std::none_of(text.begin(), text.end(), [](char c) {
           return is_control(c) || c == '/' || c == '\\';
         });
}

}  // namespace iclora::dataset
