#include "flux/single_block.h"

#include <ATen/ATen.h>

#include "nn/saved.h"

#include "nn/elementwise.h"
#include "nn/norm.h"

namespace iclora::flux {

SingleBlock load_single_block(nn::WeightSource& source, const std::string& name,
                              const Config& config, at::ScalarType dtype) {
  const int64_t width = config.width();
  SingleBlock block;
  block.norm = nn::load_linear(source, name + ".norm.linear", width, 3 * width, dtype);
  block.qkv = load_qkv(source, name + ".attn", kImageNames, config, dtype);
  block.proj_mlp = nn::load_linear(source, name + ".proj_mlp", width, config.mlp_width(), dtype);
  block.proj_out =
      nn::load_linear(source, name + ".proj_out", width + config.mlp_width(), width, dtype);
  return block;
}

at::Tensor single_block_forward(const SingleBlock& block, const at::Tensor& x, int64_t text_length,
                                const Condition& condition, const nn::RopeTable& rope,
                                SingleBlockSaved* saved, const AttentionPlan& plan,
                                const Beside& beside) {
  const auto modulation =
      modulation_forward(block.norm, condition, 3, Tokens::text_then_image, text_length,
                         nn::part_of(saved, &SingleBlockSaved::norm));
  const at::Tensor& shift = modulation[0];
  const at::Tensor& scale = modulation[1];
  const at::Tensor& gate = modulation[2];

  const at::Tensor modulated = nn::layer_norm_modulate_forward(
      x, shift, scale, kNormEpsilon, nn::part_of(saved, &SingleBlockSaved::layer_norm));
  const at::Tensor attended = joint_attention_forward(
      qkv_forward(block.qkv, modulated, nn::part_of(saved, &SingleBlockSaved::qkv)), rope, plan,
      nn::part_of(saved, &SingleBlockSaved::attention), beside);
  const at::Tensor hidden = nn::linear_forward(block.proj_mlp, modulated,
                                               nn::part_of(saved, &SingleBlockSaved::proj_mlp));
  const at::Tensor delta =
      nn::linear_forward(block.proj_out, at::cat({attended, nn::gelu_tanh_forward(hidden)}, -1),
                         nn::part_of(saved, &SingleBlockSaved::proj_out));
  if (saved != nullptr) {
    saved->scale = scale;
    saved->gate = gate;
    saved->hidden = hidden;
    saved->delta = delta;
  }
  return nn::gated_residual_forward(x, gate, delta);
}

at::Tensor single_block_backward(const SingleBlock& block, const SingleBlockSaved& saved,
                                 const nn::RopeTable& rope, const at::Tensor& dout,
                                 ConditionGradient& condition, nn::Gradients& gradients) {
  const auto gated = nn::gated_residual_backward(saved.gate, saved.delta, dout);
  const at::Tensor dcat = nn::linear_backward(block.proj_out, saved.proj_out, gated.dy, gradients);
  const int64_t width = block.qkv.to_q.out_features();
  const at::Tensor dattended = dcat.slice(-1, 0, width);
  const at::Tensor dactive = dcat.slice(-1, width, at::nullopt);

  at::Tensor dmodulated = nn::linear_backward(
      block.proj_mlp, saved.proj_mlp, nn::gelu_tanh_backward(saved.hidden, dactive), gradients);
  dmodulated.add_(qkv_backward(
      block.qkv, saved.qkv, joint_attention_backward(saved.attention, rope, dattended), gradients));
  const auto norm = nn::layer_norm_modulate_backward(saved.layer_norm, saved.scale, dmodulated);
  modulation_backward(block.norm, saved.norm, {norm.dshift, norm.dscale, gated.dgate}, condition,
                      gradients);
  return dout + norm.dx;
}

}  // namespace iclora::flux
