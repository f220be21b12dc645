#include "nn/reduce.h"

#include <ATen/ATen.h>

namespace iclora::nn {

at::Tensor sum_to_shape_of(const at::Tensor& x, const at::Tensor& like) {
  return like.size(1) == 1 && x.size(1) != 1 ? x.sum(1, /*keepdim=*/true) : x;
}

}  // namespace iclora::nn
