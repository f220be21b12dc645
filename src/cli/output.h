#pragma once
// Results, on stdout.

#include <string_view>

#include "core/json.h"

namespace iclora::cli {

/// Writes the text; an error (exit 6) when stdout does not take it.
void print_result(std::string_view text);
/// The one JSON object of `--json`, on one line.
void print_json(const Json& object);

/// "1.5 GB" and the like, decimal units.
std::string bytes_text(uint64_t bytes);

}  // namespace iclora::cli
