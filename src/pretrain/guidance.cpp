#include "pretrain/guidance.h"

#include <ATen/ATen.h>

namespace iclora::pretrain {

at::Tensor guided_velocity(const flux::Transformer& transformer, const flux::Query& query,
                           const flux::Context& with, const flux::Context& without,
                           const at::Tensor& scale) {
  const at::Tensor told = flux::transformer_forward(transformer, query, with).to(at::kFloat);
  const at::Tensor free = flux::transformer_forward(transformer, query, without).to(at::kFloat);
  return free + scale.view({-1, 1, 1}) * (told - free);
}

}  // namespace iclora::pretrain
