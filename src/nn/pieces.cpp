#include "nn/pieces.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "nn/one_thread.h"

namespace iclora::nn {

void for_pieces(int64_t count, const std::function<void(int64_t)>& work) {
  const int threads = at::get_num_threads();
  if (threads == 1) {
    const c10::NoGradGuard no_grad;
    for (int64_t i = 0; i < count; ++i) work(i);
    return;
  }
  at::parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
    const c10::NoGradGuard no_grad;  // a property of the thread, as the next
    const OneThread one_thread(threads);
    for (int64_t i = begin; i < end; ++i) work(i);
  });
}

at::Tensor in_one_piece(bool alone, const std::function<at::Tensor()>& work) {
  if (!alone) return work();
  at::Tensor out;
  for_pieces(1, [&](int64_t) { out = work(); });
  return out;
}

at::Tensor map_elements(const at::Tensor& x,
                        const std::function<void(at::Tensor& out, const at::Tensor& x)>& work) {
  constexpr int64_t piece = 32768;  // below it libtorch does not share either
  const at::Tensor in = x.contiguous();
  at::Tensor out = at::empty_like(in);
  const at::Tensor flat_in = in.view({-1});
  const at::Tensor flat_out = out.view({-1});
  const int64_t pieces = (in.numel() + piece - 1) / piece;
  for_pieces(pieces, [&](int64_t i) {
    const int64_t first = i * piece;
    const int64_t count = std::min(piece, in.numel() - first);
    at::Tensor part = flat_out.narrow(0, first, count);
    work(part, flat_in.narrow(0, first, count));
  });
  return out;
}

}  // namespace iclora::nn
