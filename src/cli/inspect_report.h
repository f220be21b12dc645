#pragma once
// What a file or folder is, as JSON: the form of `iclora inspect --json`.

#include <filesystem>
#include <string>

#include "core/json.h"

namespace iclora::cli {

/// {"kind": "picture" | "lora" | "tensors" | "model", "path", ...}; Errors
/// (exit 2) when it is none of these, or damaged.
Json inspect_report(const std::filesystem::path& path);

/// "transformer_blocks.7.attn.to_q" -> "transformer_blocks.*.attn.to_q".
std::string name_pattern(const std::string& name);

}  // namespace iclora::cli
