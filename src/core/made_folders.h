#pragma once
// Folders that a command makes for its results, and that go again when it fails.

#include <filesystem>
#include <vector>

namespace iclora {

/// Creates the folder and its parents; error of kind `output` when that fails. Unless keep() was
/// called, those that were made here are removed with the object, as far as they are empty.
class MadeFolders {
 public:
  explicit MadeFolders(const std::filesystem::path& folder);
  ~MadeFolders();
  MadeFolders(const MadeFolders&) = delete;
  MadeFolders& operator=(const MadeFolders&) = delete;
  void keep() { made_.clear(); }

 private:
  std::vector<std::filesystem::path> made_;  ///< innermost first
};

}  // namespace iclora
