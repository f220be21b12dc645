#pragma once
// libiclora.so, loaded on demand: everything that needs tensors.

#include <filesystem>
#include <string>
#include <vector>

#include "cli/terminal.h"
#include "core/json.h"

namespace iclora::cli {

/// The running program's file.
std::filesystem::path program_path();

/// The program that makes HTTP requests, where it is installed and in the build alike.
std::filesystem::path http_helper_path();

/// The model that comes with the program, for those who name none.
inline constexpr const char* kDefaultModel = "flux-mini";

/// Where a model's name is looked up: beside the program, then in the cache folder.
std::vector<std::filesystem::path> model_search();

/// Loads libtorch and libiclora.so (once), watches for signals, and does `verb`; throws its error.
/// Progress and messages go to `terminal`.
Json call_library(const std::string& verb, const Json& request, Terminal& terminal);

}  // namespace iclora::cli
