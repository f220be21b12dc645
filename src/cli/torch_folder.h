#pragma once
// Where libtorch is.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace iclora::cli {

/// One place that was looked at.
struct TorchCandidate {
  std::filesystem::path folder;  ///< holds lib/libtorch_cpu.so when it is one
  std::string origin;            ///< "TORCH_DIR", "beside the program", "build", "cache"
  std::string version;           ///< empty: not known
  std::string refusal;           ///< why it is not used; empty: usable
};

struct TorchSearch {
  std::optional<TorchCandidate> found;
  std::vector<TorchCandidate> refused;
  /// One sentence: why there is none, and how to set it up. Empty when found.
  std::string problem;
};

/// TORCH_DIR alone when it is set; else the folder the program was built with, `../libtorch` beside
/// the program, and the cache folder, in this order.
TorchSearch find_torch(const std::filesystem::path& program);

/// $XDG_CACHE_HOME/iclora, else ~/.cache/iclora.
std::filesystem::path cache_folder();

}  // namespace iclora::cli
