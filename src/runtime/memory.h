#pragma once
// How much memory there is, and how much this process holds.

#include <cstdint>

namespace iclora::runtime {

/// Bytes that could be used without swapping: what the system says is available, at most what is
/// left of this process's control group's limit.
uint64_t available_bytes();

/// What this process holds now.
uint64_t resident_bytes();

}  // namespace iclora::runtime
