#include "dataset/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace iclora::dataset {

void for_each_parallel(size_t count, const std::function<void(size_t)>& work) {
  // Pictures are decoded whole, up to 200 MB each: more threads would cost more memory than time.
  constexpr size_t kMostThreads = 8;
  const size_t processors = std::max<size_t>(1, std::thread::hardware_concurrency());
  const size_t threads = std::min({count, processors, kMostThreads});
  std::atomic<size_t> next{0};
  std::exception_ptr failure;
  std::mutex failure_mutex;
  const auto run = [&] {
    for (size_t i = next.fetch_add(1); i < count; i = next.fetch_add(1)) {
      try {
        work(i);
      } catch (...) {
        const std::lock_guard lock(failure_mutex);
        if (!failure) failure = std::current_exception();
        next.store(count);
      }
    }
  };
  std::vector<std::thread> others;
  try {
    for (size_t i = 1; i < threads; ++i) others.emplace_back(run);
  } catch (const std::system_error&) {
    // No more threads to be had: those that there are do the work.
  }
  run();
  for (std::thread& thread : others) thread.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace iclora::dataset
