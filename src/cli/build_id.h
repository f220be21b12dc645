#pragma once
// Which build this is.

#include <string_view>

namespace iclora::cli {

/// "0.1.0+11bf1c9a2b3c": version and commit; the version alone outside a repository.
std::string_view build_id();

}  // namespace iclora::cli
