#include "dataset/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

namespace iclora::dataset {
namespace {

TEST(ForEachParallel, CallsEachOnce) {
  for (const size_t count : {0, 1, 2, 1000}) {
    std::vector<std::atomic<int>> calls(count);
    for_each_parallel(count, [&](size_t i) { ++calls[i]; });
    for (size_t i = 0; i < count; ++i) EXPECT_EQ(calls[i].load(), 1) << i << " of " << count;
  }
}

TEST(ForEachParallel, ThrowsTheFirstFailureAgainAndBeginsNothingAfterIt) {
  std::atomic<int> calls = 0;
  EXPECT_THROW(for_each_parallel(100'000,
                                 [&](size_t) {
                                   ++calls;
                                   throw std::runtime_error("broken");
                                 }),
               std::runtime_error);
  EXPECT_LE(calls.load(), 8);  // one a thread
}

TEST(StartThreads, AllDoTheWork) {
  for (const size_t count : {0, 1, 3}) {
    std::atomic<size_t> done = 0;
    std::vector<std::thread> threads = start_threads(count, [&] { ++done; });
    EXPECT_LE(threads.size(), count);
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(done.load(), threads.size());
  }
}

}  // namespace
}  // namespace iclora::dataset
