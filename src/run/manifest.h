#pragma once
// manifest.json of a checkpoint: what is in it, with a digest over itself, so that damage to it is
// seen as well.

#include <filesystem>
#include <string>
#include <string_view>

#include "run/checkpoint_store.h"

namespace iclora::run {

inline constexpr const char* kManifestName = "manifest.json";

/// A name without a folder that is not hidden.
bool is_file_name(std::string_view name);

/// {"version": 1, "step": 200, "files": [{"name", "bytes", "sha256"}], "sha256": of the text before
/// it}.
std::string manifest_text(const StoredCheckpoint& checkpoint);

/// Of the checkpoint in `folder`. Errors (exit 2): missing, not whole, of another version.
StoredCheckpoint read_manifest(const std::filesystem::path& folder);

}  // namespace iclora::run
