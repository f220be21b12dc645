#include "dataset/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>

namespace iclora::dataset {

void for_each_parallel(size_t count, const std::function<void(size_t)>& work) {
  // Pictures are decoded whole, up to 200 MB each: more threads would cost more memory than time.
  constexpr size_t kMostThreads = 8;
  const size_t processors = std::max<size_t>(1, std::thread::hardware_concurrency());
  const size_t threads = std::max<size_t>(1, std::min({count, processors, kMostThreads}));
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
  std::vector<std::thread> others = start_threads(threads - 1, run);
  run();
  for (std::thread& thread : others) thread.join();
  if (failure) std::rethrow_exception(failure);
}

std::vector<std::thread> start_threads(size_t count, const std::function<void()>& work) {
  std::vector<std::thread> out;
  out.reserve(count);
  try {
    while (out.size() < count) out.emplace_back(work);
  } catch (const std::system_error&) {
    return out;
  }
  return out;
}

}  // namespace iclora::dataset
