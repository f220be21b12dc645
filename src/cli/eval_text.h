#pragma once
// What `eval` answers, for people.

#include <string>

#include "core/json.h"

namespace iclora::cli {

std::string captions_text(const Json& report);
std::string comparison_text(const Json& report);
/// Of a plan: rows over all tasks and contrasts; of a dry run what there is to do.
std::string study_text(const Json& report);

}  // namespace iclora::cli
