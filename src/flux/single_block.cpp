#include "flux/single_block.h"

#include <ATen/ATen.h>

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

at::Tensor single_block_forward(const SingleBlock& block, const at::Tensor& x,
                                const at::Tensor& condition, const nn::RopeTable& rope) {
  const auto modulation =
      nn::linear_forward(block.norm, condition).to(at::kFloat).unsqueeze(1).chunk(3, /*dim=*/-1);
  const at::Tensor& shift = modulation[0];
  const at::Tensor& scale = modulation[1];
  const at::Tensor& gate = modulation[2];

  const at::Tensor modulated = nn::layer_norm_modulate_forward(x, shift, scale, kNormEpsilon);
  const at::Tensor attended = joint_attention_forward(qkv_forward(block.qkv, modulated), rope);
  const at::Tensor hidden = nn::gelu_tanh_forward(nn::linear_forward(block.proj_mlp, modulated));
  return nn::gated_residual_forward(
      x, gate, nn::linear_forward(block.proj_out, at::cat({attended, hidden}, -1)));
}

}  // namespace iclora::flux
