#include "core/made_folders.h"

#include "core/file.h"

namespace iclora {

MadeFolders::MadeFolders(const std::filesystem::path& folder) {
  std::error_code ignored;
  std::filesystem::path place = std::filesystem::absolute(folder, ignored).lexically_normal();
  if (!place.has_filename()) place = place.parent_path();
  while (place.has_relative_path() &&
         !std::filesystem::exists(std::filesystem::symlink_status(place, ignored))) {
    made_.push_back(place);
    place = place.parent_path();
  }
  try {
    create_folders(folder);
  } catch (...) {
    for (const auto& path : made_) std::filesystem::remove(path, ignored);
    throw;
  }
}

MadeFolders::~MadeFolders() {
  std::error_code ignored;  // remove() leaves a folder alone that holds anything
  for (const auto& path : made_) std::filesystem::remove(path, ignored);
}

}  // namespace iclora
