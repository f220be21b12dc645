#pragma once
// The same work for many files, on all processors.

#include <cstddef>
#include <functional>

namespace iclora::dataset {

/// Calls work(0) ... work(count - 1), each once, in any order and from several threads. The first
/// exception is thrown again once all threads have ended.
void for_each_parallel(size_t count, const std::function<void(size_t)>& work);

}  // namespace iclora::dataset
