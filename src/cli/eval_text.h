#pragma once
// What `eval` answers, for people.

#include <string>

#include "core/json.h"

namespace iclora::cli {

std::string captions_text(const Json& report);
std::string comparison_text(const Json& report);

}  // namespace iclora::cli
