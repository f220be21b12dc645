#pragma once
// Comparing tensors in tests.

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <cstring>

#include "core/philox.h"

namespace iclora::testing_support {

/// |a - b| / |b| in the 2-norm, taken in fp64.
inline double relative_l2(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor wide = b.to(at::kDouble);
  return ((a.to(at::kDouble) - wide).norm() / wide.norm()).item<double>();
}

/// Standard normal values that depend on `seed` alone.
inline at::Tensor normal(at::IntArrayRef shape, uint64_t seed) {
  at::Tensor out = at::empty(shape, at::kFloat);
  Random(seed, Stream::weight_init)
      .fill_normal({out.data_ptr<float>(), static_cast<size_t>(out.numel())});
  return out;
}

/// Runs `f` with 1, 2, 3, 4 and 16 threads and says whether the results have the same bytes.
template <typename F>
bool same_bytes_on_any_thread_count(const F& f) {
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const at::Tensor one = f().contiguous();
  bool same = true;
  for (const int threads : {2, 3, 4, 16}) {
    at::set_num_threads(threads);
    const at::Tensor many = f().contiguous();
    same = same && many.sizes() == one.sizes() && many.scalar_type() == one.scalar_type() &&
           std::memcmp(many.const_data_ptr(), one.const_data_ptr(), one.nbytes()) == 0;
  }
  at::set_num_threads(before);
  return same;
}

}  // namespace iclora::testing_support
