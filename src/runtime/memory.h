#pragma once
// How much memory there is.

#include <cstdint>

namespace iclora::runtime {

/// Bytes that could be used without swapping: what the system says is available, at most what is
/// left of this process's control group's limit.
uint64_t available_bytes();

}  // namespace iclora::runtime
