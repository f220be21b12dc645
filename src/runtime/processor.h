#pragma once
// What this machine's processor can do.

#include <cstdint>

namespace iclora::runtime {

/// Whether the processor has instructions for bf16 (AVX512-BF16), so that bf16 is the default. How
/// a product is taken best is nn/product.h's to know.
bool has_bf16_products();

/// The most memory this process has held so far, in bytes.
uint64_t peak_resident_bytes();

}  // namespace iclora::runtime
