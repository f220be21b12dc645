#pragma once
// Stored elements as numbers, without a tensor library.

#include <cstddef>
#include <span>
#include <vector>

#include "weights/checkpoint.h"
#include "weights/dtype.h"

namespace iclora::weights {

/// The elements of a tensor of F32, F16 or BF16 (exact), or of F64 (rounded). Errors (exit 2):
/// another dtype.
std::vector<float> to_floats(const StoredTensor& tensor);

/// Little-endian, rounded to the nearest, of two as near ones to the even; what is beyond the range
/// is infinite. Errors (exit 1): a dtype other than F32, F16 and BF16.
std::vector<std::byte> to_bytes(std::span<const float> values, Dtype dtype);

}  // namespace iclora::weights
