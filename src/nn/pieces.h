#pragma once
// Work cut into pieces whose bytes cannot depend on the number of threads.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

namespace iclora::nn {

/// Calls work(i) for i from 0 to count - 1, shared among libtorch's threads, each call on one of
/// them from start to end. Meanwhile libtorch and the libraries below it plan for one thread: MKL
/// and oneDNN choose the order of their sums by the number of threads they believe to have, even
/// inside a parallel region. So a result depends on how work is cut into pieces, which is the
/// caller's to decide by shapes alone, and on nothing else. Nothing is recorded for autograd. The
/// first exception is thrown on.
void for_pieces(int64_t count, const std::function<void(int64_t)>& work);

/// work() in one piece where `alone`, else as it is.
at::Tensor in_one_piece(bool alone, const std::function<at::Tensor()>& work);

/// work(part of x, part of out) over a map of elements to elements. libtorch's vector functions and
/// those for what is left over at the end of a thread's share differ in the last place, and the
/// shares depend on the threads.
at::Tensor map_elements(const at::Tensor& x,
                        const std::function<void(at::Tensor& out, const at::Tensor& x)>& work);

/// Attention over at most so many tokens is a single task for libtorch, which then shares the
/// products within among the threads.
inline constexpr int64_t kFewTokens = 32;

}  // namespace iclora::nn
