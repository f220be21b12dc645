#pragma once
// Work cut into pieces whose bytes cannot depend on the number of threads.

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

}  // namespace iclora::nn
