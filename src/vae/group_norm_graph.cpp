#include "vae/group_norm_graph.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

namespace iclora::vae {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

struct GroupNormNode : torch::autograd::Function<GroupNormNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias, int64_t groups, bool silu) {
    GroupNormSaved saved;
    at::Tensor y = group_norm_training_forward({weight, bias, groups}, x, silu, saved);
    context->save_for_backward({saved.x, weight, bias});
    context->saved_data["scale"] = saved.entry.scale;
    context->saved_data["shift"] = saved.entry.shift;
    context->saved_data["mean"] = saved.mean;
    context->saved_data["inverse"] = saved.inverse;
    context->saved_data["groups"] = groups;
    context->saved_data["silu"] = silu;
    return y;
  }

  static tensor_list backward(AutogradContext* context, tensor_list dy) {
    const auto variables = context->get_saved_variables();
    const auto saved_tensor = [&](const char* name) {
      return context->saved_data[name].toTensor();
    };
    const GroupNorm norm = {variables[1], variables[2], context->saved_data["groups"].toInt()};
    const GroupNormSaved saved = {variables[0],
                                  {saved_tensor("scale"), saved_tensor("shift")},
                                  saved_tensor("mean"),
                                  saved_tensor("inverse")};
    const GroupNormGradient gradient =
        group_norm_backward(norm, saved, context->saved_data["silu"].toBool(), dy[0]);
    return {gradient.dx, gradient.dweight.to(norm.weight.scalar_type()),
            gradient.dbias.to(norm.bias.scalar_type()), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor group_norm_graph(const GroupNorm& norm, const at::Tensor& x, bool silu) {
  return GroupNormNode::apply(x, norm.weight, norm.bias, norm.groups, silu);
}

}  // namespace iclora::vae
