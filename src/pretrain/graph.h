#pragma once
// Training steps of small modules under libtorch's autograd: the autoencoder and the text encoders.
// (The transformer has its backward functions in nn/ and flux/.)

#include <ATen/core/Tensor.h>

#include <functional>

#include "train/shards.h"
#include "train/trained_tensors.h"

namespace iclora::pretrain {

/// Calls visit(name, weight) for every weight of a module.
template <typename Module>
using ForEachWeight =
    std::function<void(Module&, const std::function<void(const std::string&, at::Tensor&)>& visit)>;

/// Masters of all weights of `module` (fp32 copies), which stay in its layers in `dtype`.
template <typename Module>
train::TrainedTensors train_all(Module& module, const ForEachWeight<Module>& for_each,
                                at::ScalarType dtype) {
  train::TrainedTensors trained;
  for_each(module, [&](const std::string& name, at::Tensor& weight) {
    at::Tensor* place = &weight;
    const at::Tensor master = weight.to(at::kFloat, /*non_blocking=*/false, /*copy=*/true);
    weight = master.to(dtype);
    trained.push_back({name, master, [=]() -> at::Tensor& { return *place; }});
  });
  return trained;
}

/// Adds the gradients of the sum of loss(copy, shard) over all shards, and returns that sum. Each
/// shard is computed by one thread on a copy of the module whose weights record a graph; the
/// gradients are added in the shards' order.
template <typename Module>
double graph_step(const Module& module, const ForEachWeight<Module>& for_each, int64_t shards,
                  const std::function<at::Tensor(const Module& copy, int64_t shard)>& loss,
                  nn::Gradients& gradients);

/// The part of graph_step that needs no knowledge of the module: runs forward() under autograd and
/// gives the gradients of the leaves.
struct GraphResult {
  double loss = 0;
  std::vector<at::Tensor> gradients;
};
GraphResult run_graph(const std::vector<at::Tensor>& leaves,
                      const std::function<at::Tensor()>& forward);
/// A tensor of the same memory that records a graph from here.
at::Tensor leaf_of(const at::Tensor& weight);

template <typename Module>
double graph_step(const Module& module, const ForEachWeight<Module>& for_each, int64_t shards,
                  const std::function<at::Tensor(const Module& copy, int64_t shard)>& loss,
                  nn::Gradients& gradients) {
  std::vector<GraphResult> results(static_cast<size_t>(train::shard_workers(shards)));
  double sum = 0;
  train::for_shards(
      shards,
      [&](int64_t shard, int64_t worker) {
        Module copy = module;
        std::vector<at::Tensor> leaves;
        for_each(copy, [&](const std::string&, at::Tensor& weight) {
          weight = leaf_of(weight);
          leaves.push_back(weight);
        });
        results[static_cast<size_t>(worker)] = run_graph(leaves, [&] { return loss(copy, shard); });
      },
      [&](int64_t, int64_t worker) {
        const GraphResult& result = results[static_cast<size_t>(worker)];
        sum += result.loss;
        for (size_t i = 0; i < result.gradients.size(); ++i) {
          if (result.gradients[i].defined()) {
            gradients.add(static_cast<nn::Slot>(i), result.gradients[i]);
          }
        }
      });
  return sum;
}

}  // namespace iclora::pretrain
