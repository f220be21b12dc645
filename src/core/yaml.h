#pragma once
// YAML, read strictly into the same values as JSON.

#include <filesystem>
#include <string>

#include "core/json.h"

namespace iclora {

/// Parses `text`: maps with text keys, lists, texts, numbers, true/false, null. Quoted scalars are
/// texts. Errors (exit 2) name `origin` and the line: keys that stand twice, anchors that make the
/// text grow, several documents, nesting deeper than 64.
Json parse_yaml(const std::string& text, const std::string& origin);

/// A file of at most 4 MiB.
Json read_yaml(const std::filesystem::path& path);

}  // namespace iclora
