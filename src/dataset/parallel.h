#pragma once
// The same work for many files, on all processors.

#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

namespace iclora::dataset {

/// Calls work(0) ... work(count - 1), each once, in any order and from several threads. The first
/// exception is thrown again once all threads have ended.
void for_each_parallel(size_t count, const std::function<void(size_t)>& work);

/// Up to `count` threads that do `work`, to be joined: fewer where the system has no more of them,
/// none at worst, so that the caller does the work too. `work` must not throw.
std::vector<std::thread> start_threads(size_t count, const std::function<void()>& work);

}  // namespace iclora::dataset
