#pragma once
// Tensors as rows for the loops of row_kernels.h.

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "core/error.h"

namespace iclora::nn {

/// Calls f with null pointers of the element type that the kernels take: f(float*) or f(uint16_t*).
template <typename F>
void with_element(const at::Tensor& x, const F& f) {
  if (x.scalar_type() == at::kFloat) {
    f(static_cast<float*>(nullptr));
  } else if (x.scalar_type() == at::kBFloat16) {
    f(static_cast<uint16_t*>(nullptr));
  } else {
    fail(ErrorKind::internal, "A row kernel was given neither fp32 nor bf16.");
  }
}

template <typename T>
const T* in(const at::Tensor& x) {
  return static_cast<const T*>(x.const_data_ptr());
}
template <typename T>
T* out(const at::Tensor& x) {
  return static_cast<T*>(x.mutable_data_ptr());
}

// A thread's share is at least this many elements: less does not pay for waking it.
inline constexpr int64_t kGrain = 1 << 15;

/// Calls f(first, last) over `rows` rows of `width` elements, shared among threads by multiples of
/// `group` rows.
template <typename F>
void for_rows(int64_t rows, int64_t width, int64_t group, const F& f) {
  const int64_t grain = std::max<int64_t>(1, kGrain / (width * group));
  at::parallel_for(0, rows / group, grain,
                   [&](int64_t first, int64_t last) { f(first * group, last * group); });
}

/// How many rows of x [B, L, D] share a row of `modulation` [B, 1 or L, D].
inline int64_t rows_a_vector(const at::Tensor& x, const at::Tensor& modulation) {
  return modulation.size(1) == 1 ? x.size(1) : 1;
}

}  // namespace iclora::nn
