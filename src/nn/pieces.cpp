#include "nn/pieces.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

namespace iclora::nn {
namespace {

/// While it lives, this thread's libraries plan for one thread; afterwards for `after`.
class OneThread {
 public:
  explicit OneThread(int after) : after_(after) {
    at::get_num_threads();  // A thread's first question sets its number, to what others have now.
    at::set_num_threads(1);
  }
  ~OneThread() { at::set_num_threads(after_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int after_;
};

}  // namespace

void for_pieces(int64_t count, const std::function<void(int64_t)>& work) {
  const int threads = at::get_num_threads();
  at::parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
    const c10::NoGradGuard no_grad;  // a property of the thread, as the next
    const OneThread one_thread(threads);
    for (int64_t i = begin; i < end; ++i) work(i);
  });
}

}  // namespace iclora::nn
