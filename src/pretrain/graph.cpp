#include "pretrain/graph.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

namespace iclora::pretrain {

at::Tensor leaf_of(const at::Tensor& weight) {
  return weight.detach().requires_grad_(true);
}

GraphResult run_graph(const std::vector<at::Tensor>& leaves,
                      const std::function<at::Tensor()>& forward) {
  GraphResult result;
  {
    const c10::AutoGradMode record(true);
    const at::Tensor loss = forward();
    result.loss = loss.item<double>();
    loss.backward();
  }
  for (const at::Tensor& leaf : leaves) result.gradients.push_back(leaf.grad());
  return result;
}

}  // namespace iclora::pretrain
