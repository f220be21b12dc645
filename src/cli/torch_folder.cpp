#include "cli/torch_folder.h"

#include <cstdlib>

#include "core/error.h"
#include "core/file.h"

namespace iclora::cli {
namespace {

namespace fs = std::filesystem;
constexpr const char* kVersion = ICLORA_TORCH_VERSION;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// `__version__ = '2.11.0+cu130'` of the wheel's version.py -> "2.11.0"; else empty.
std::string version_of_wheel(const fs::path& folder) {
  try {
    const std::string text = read_file(folder / "version.py", 1 << 16);
    const size_t key = text.find("\n__version__ = ");
    if (key == std::string::npos) return "";
    const size_t begin = text.find_first_of("'\"", key);
    if (begin == std::string::npos) return "";
    const size_t end = text.find_first_of("+'\"", begin + 1);
    return end == std::string::npos ? "" : text.substr(begin + 1, end - begin - 1);
  } catch (const Error&) {
    return "";
  }
}

/// The same of its headers.
std::string version_of_headers(const fs::path& folder) {
  try {
    const std::string text = read_file(folder / "include/torch/headeronly/version.h", 1 << 16);
    std::string version;
    for (const std::string part : {"MAJOR ", "MINOR ", "PATCH "}) {
      const size_t at = text.find("TORCH_VERSION_" + part);
      if (at == std::string::npos) return "";
      const size_t begin = at + std::string("TORCH_VERSION_").size() + part.size();
      const size_t end = text.find_first_not_of("0123456789", begin);
      version += (version.empty() ? "" : ".") + text.substr(begin, end - begin);
    }
    return version;
  } catch (const Error&) {
    return "";
  }
}

TorchCandidate examine(const fs::path& folder, const std::string& origin) {
  TorchCandidate candidate{folder, origin, "", ""};
  std::error_code ignored;
  if (!fs::exists(folder, ignored)) {
    candidate.refusal = "there is no such folder";
    return candidate;
  }
  // The folder of the wheel, or the one it was unpacked into.
  if (!fs::exists(folder / "lib/libtorch_cpu.so", ignored) &&
      fs::exists(folder / "torch/lib/libtorch_cpu.so", ignored)) {
    candidate.folder = folder / "torch";
  }
  for (const char* name : {"lib/libc10.so", "lib/libtorch_cpu.so"}) {
    if (!fs::exists(candidate.folder / name, ignored)) {
      candidate.refusal = fmt::format("it has no {}", name);
      return candidate;
    }
  }
  candidate.version = version_of_wheel(candidate.folder);
  if (candidate.version.empty()) candidate.version = version_of_headers(candidate.folder);
  if (candidate.version.empty()) {
    candidate.refusal = "neither version.py nor its headers tell its version";
  } else if (candidate.version != kVersion) {
    candidate.refusal = fmt::format("it is version {}", printable(candidate.version));
  }
  return candidate;
}

}  // namespace

fs::path cache_folder() {
  const std::string cache = environment("XDG_CACHE_HOME");
  if (!cache.empty()) return fs::path(cache) / "iclora";
  const std::string home = environment("HOME");
  return fs::path(home.empty() ? "/tmp" : home) / ".cache/iclora";
}

TorchSearch find_torch(const fs::path& program) {
  std::vector<TorchCandidate> candidates;
  const std::string named = environment("TORCH_DIR");
  if (!named.empty()) {
    candidates.push_back(examine(named, "TORCH_DIR"));
  } else {
    candidates.push_back(examine(ICLORA_TORCH_DIR, "build"));
    candidates.push_back(
        examine(program.parent_path().parent_path() / "libtorch", "beside the program"));
    for (const char* flavour : {"cuda", "cpu"}) {
      const auto name = fmt::format("libtorch-{}-{}", kVersion, flavour);
      const fs::path folder = cache_folder() / name / "torch";
      if (folder != fs::path(ICLORA_TORCH_DIR)) candidates.push_back(examine(folder, "cache"));
    }
  }
  TorchSearch search;
  for (TorchCandidate& candidate : candidates) {
    if (candidate.refusal.empty() && !search.found) {
      search.found = candidate;
    } else if (!candidate.refusal.empty()) {
      search.refused.push_back(candidate);
    }
  }
  if (search.found) return search;
  const std::string remedy = fmt::format(
      "run tools/setup/libtorch.sh of the project, or set TORCH_DIR to the torch folder of a torch "
      "{} wheel",
      kVersion);
  if (!named.empty()) {
    search.problem = fmt::format("TORCH_DIR is '{}', which is not a libtorch {}: {}; {}",
                                 printable(named), kVersion, candidates[0].refusal,
                                 "unset it or point it at the torch folder of such a wheel");
    return search;
  }
  std::string looked;
  for (const TorchCandidate& candidate : candidates) {
    if (!looked.empty()) looked += ", ";
    looked += fmt::format("'{}' ({})", candidate.folder.native(), candidate.refusal);
  }
  search.problem =
      fmt::format("libtorch {} was not found (looked in {}); {}", kVersion, looked, remedy);
  return search;
}

}  // namespace iclora::cli
