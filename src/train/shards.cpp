#include "train/shards.h"

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>

#include "nn/one_thread.h"

namespace iclora::train {
namespace {

/// Hands out shards in order and lets their results through in order.
class Turns {
 public:
  explicit Turns(int64_t count) : count_(count) {}

  /// The next shard to compute; -1 when there is none, or something went wrong.
  int64_t take() {
    const std::lock_guard lock(mutex_);
    return failure_ || next_ == count_ ? -1 : next_++;
  }

  /// Waits until all shards before this one were gathered, then runs `gather`.
  void in_turn(int64_t shard, const std::function<void()>& gather) {
    std::unique_lock lock(mutex_);
    turned_.wait(lock, [&] { return failure_ || gathered_ == shard; });
    if (failure_) return;
    lock.unlock();  // nobody else can be in turn meanwhile
    gather();
    lock.lock();
    ++gathered_;
    turned_.notify_all();
  }

  void fail(std::exception_ptr failure) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::move(failure);
    turned_.notify_all();
  }

  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable turned_;
  const int64_t count_;
  int64_t next_ = 0;
  int64_t gathered_ = 0;
  std::exception_ptr failure_;
};

}  // namespace

int64_t shard_workers(int64_t count) {
  return std::max<int64_t>(1, std::min<int64_t>(count, at::get_num_threads()));
}

void for_shards(int64_t count, const std::function<void(int64_t, int64_t)>& compute,
                const std::function<void(int64_t, int64_t)>& gather) {
  Turns turns(count);
  const int threads = at::get_num_threads();
  const auto work = [&](int64_t worker) {
    const c10::NoGradGuard no_grad;  // thread-local, as the other one: each worker needs its own
    const nn::OneThread one_thread(threads);
    try {
      for (int64_t shard = turns.take(); shard >= 0; shard = turns.take()) {
        compute(shard, worker);
        turns.in_turn(shard, [&] { gather(shard, worker); });
      }
    } catch (...) {
      turns.fail(std::current_exception());
    }
  };
  const int64_t workers = shard_workers(count);
  at::parallel_for(0, workers, 1, [&](int64_t begin, int64_t end) {
    for (int64_t worker = begin; worker < end; ++worker) work(worker);
  });
  turns.rethrow();
}

}  // namespace iclora::train
