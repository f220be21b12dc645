#include "flux/latents.h"

#include <ATen/ATen.h>

#include "core/error.h"

namespace iclora::flux {

at::Tensor pack_latents(const at::Tensor& latents) {
  const int64_t batch = latents.size(0);
  const int64_t channels = latents.size(1);
  const int64_t h = latents.size(2);
  const int64_t w = latents.size(3);
  if (h % 2 != 0 || w % 2 != 0) {
    fail(ErrorKind::internal, "pack_latents: {} x {} latents do not divide into 2 x 2 tokens.", h,
         w);
  }
  return latents.reshape({batch, channels, h / 2, 2, w / 2, 2})
      .permute({0, 2, 4, 1, 3, 5})
      .reshape({batch, h / 2 * (w / 2), channels * 4});
}

at::Tensor unpack_latents(const at::Tensor& packed, int64_t h, int64_t w) {
  const int64_t batch = packed.size(0);
  const int64_t channels = packed.size(2) / 4;
  return packed.reshape({batch, h / 2, w / 2, channels, 2, 2})
      .permute({0, 3, 1, 4, 2, 5})
      .reshape({batch, channels, h, w});
}

at::Tensor image_ids(int64_t h, int64_t w) {
  const at::Tensor rows = at::arange(h / 2, at::kFloat).view({-1, 1}).expand({h / 2, w / 2});
  const at::Tensor columns = at::arange(w / 2, at::kFloat).view({1, -1}).expand({h / 2, w / 2});
  return at::stack({at::zeros_like(rows), rows, columns}, -1).reshape({-1, 3});
}

at::Tensor text_ids(int64_t length) {
  return at::zeros({length, 3}, at::kFloat);
}

}  // namespace iclora::flux
