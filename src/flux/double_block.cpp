#include "flux/double_block.h"

#include <ATen/ATen.h>

#include "nn/elementwise.h"
#include "nn/norm.h"

namespace iclora::flux {
namespace {

StreamWeights load_stream(nn::WeightSource& source, const std::string& block, bool image,
                          const Config& config, at::ScalarType dtype) {
  const int64_t width = config.width();
  const std::string suffix = image ? "" : "_context";
  const std::string ff = block + ".ff" + suffix;
  StreamWeights stream;
  stream.norm1 =
      nn::load_linear(source, block + ".norm1" + suffix + ".linear", width, 6 * width, dtype);
  stream.qkv = load_qkv(source, block + ".attn", image ? kImageNames : kTextNames, config, dtype);
  stream.attn_out = nn::load_linear(source, block + (image ? ".attn.to_out.0" : ".attn.to_add_out"),
                                    width, width, dtype);
  stream.ff.in = nn::load_linear(source, ff + ".net.0.proj", width, config.mlp_width(), dtype);
  stream.ff.out = nn::load_linear(source, ff + ".net.2", config.mlp_width(), width, dtype);
  return stream;
}

/// The six modulation vectors, fp32 [B, 1, D] each, in the checkpoint's order.
struct Modulation {
  at::Tensor shift_attn, scale_attn, gate_attn;
  at::Tensor shift_mlp, scale_mlp, gate_mlp;
};

Modulation modulation_forward(const nn::Linear& norm1, const at::Tensor& condition) {
  const auto parts =
      nn::linear_forward(norm1, condition).to(at::kFloat).unsqueeze(1).chunk(6, /*dim=*/-1);
  return {parts[0], parts[1], parts[2], parts[3], parts[4], parts[5]};
}

/// What follows attention in either stream: gate it in, then the gated MLP.
at::Tensor stream_tail_forward(const StreamWeights& stream, const Modulation& modulation,
                               const at::Tensor& x, const at::Tensor& attended) {
  const at::Tensor middle = nn::gated_residual_forward(
      x, modulation.gate_attn, nn::linear_forward(stream.attn_out, attended));
  const at::Tensor modulated = nn::layer_norm_modulate_forward(middle, modulation.shift_mlp,
                                                               modulation.scale_mlp, kNormEpsilon);
  const at::Tensor hidden = nn::gelu_tanh_forward(nn::linear_forward(stream.ff.in, modulated));
  return nn::gated_residual_forward(middle, modulation.gate_mlp,
                                    nn::linear_forward(stream.ff.out, hidden));
}

}  // namespace

DoubleBlock load_double_block(nn::WeightSource& source, const std::string& name,
                              const Config& config, at::ScalarType dtype) {
  return {load_stream(source, name, /*image=*/true, config, dtype),
          load_stream(source, name, /*image=*/false, config, dtype)};
}

Streams double_block_forward(const DoubleBlock& block, const Streams& x,
                             const at::Tensor& condition, const nn::RopeTable& rope) {
  const Modulation image = modulation_forward(block.image.norm1, condition);
  const Modulation text = modulation_forward(block.text.norm1, condition);

  const Qkv image_qkv = qkv_forward(
      block.image.qkv,
      nn::layer_norm_modulate_forward(x.image, image.shift_attn, image.scale_attn, kNormEpsilon));
  const Qkv text_qkv = qkv_forward(
      block.text.qkv,
      nn::layer_norm_modulate_forward(x.text, text.shift_attn, text.scale_attn, kNormEpsilon));
  const Qkv joint = {at::cat({text_qkv.q, image_qkv.q}, 1), at::cat({text_qkv.k, image_qkv.k}, 1),
                     at::cat({text_qkv.v, image_qkv.v}, 1)};

  const at::Tensor attended = joint_attention_forward(joint, rope);
  const int64_t text_length = x.text.size(1);
  return {
      stream_tail_forward(block.image, image, x.image, attended.slice(1, text_length, at::nullopt)),
      stream_tail_forward(block.text, text, x.text, attended.slice(1, 0, text_length))};
}

}  // namespace iclora::flux
