#pragma once
// Libraries that plan their work for one thread.

#include <ATen/Parallel.h>

namespace iclora::nn {

/// While it lives, libtorch and the libraries below it plan their work on this thread for one
/// thread; afterwards for `after`. Inside a parallel region they run on one thread anyway, but MKL
/// and oneDNN cut their sums by the number of threads that they believe to have.
class OneThread {
 public:
  explicit OneThread(int after) : after_(after) {
    at::get_num_threads();  // a thread's first question sets its number, to what others have now
    at::set_num_threads(1);
  }
  ~OneThread() { at::set_num_threads(after_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int after_;
};

}  // namespace iclora::nn
