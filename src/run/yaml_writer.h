#pragma once
// A JSON value as block-style YAML 1.2 that YAML 1.1 readers take for the same.

#include <string>

#include "core/json.h"

namespace iclora::run {

/// Maps one key a line, lists in flow style, ends with a newline. parse_yaml of it gives the same
/// values (whole numbers of floating type come back as integers).
std::string to_yaml(const Json& document);

}  // namespace iclora::run
