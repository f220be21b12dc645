#pragma once
// What this machine's processor can do.

#include <cstdint>

namespace iclora::runtime {

/// Whether matrix products in bf16 are faster than in fp32 (AVX512-BF16 or AMX).
bool has_bf16_products();

/// The most memory this process has held so far, in bytes.
uint64_t peak_resident_bytes();

}  // namespace iclora::runtime
