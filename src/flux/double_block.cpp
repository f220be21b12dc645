#include "flux/double_block.h"

#include <ATen/ATen.h>

#include "nn/saved.h"

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

StreamModulation stream_modulation_forward(const nn::Linear& norm1, const Condition& condition,
                                           Tokens tokens, int64_t text_length, StreamSaved* saved) {
  const auto parts = modulation_forward(norm1, condition, 6, tokens, text_length,
                                        nn::part_of(saved, &StreamSaved::norm1));
  StreamModulation modulation = {parts[0], parts[1], parts[2], parts[3], parts[4], parts[5]};
  if (saved != nullptr) saved->modulation = modulation;
  return modulation;
}

/// What goes into attention from either stream.
Qkv stream_head_forward(const StreamWeights& stream, const StreamModulation& modulation,
                        const at::Tensor& x, StreamSaved* saved) {
  const at::Tensor modulated =
      nn::layer_norm_modulate_forward(x, modulation.shift_attn, modulation.scale_attn, kNormEpsilon,
                                      nn::part_of(saved, &StreamSaved::attn_norm));
  return qkv_forward(stream.qkv, modulated, nn::part_of(saved, &StreamSaved::qkv));
}

/// What follows attention in either stream: gate it in, then the gated MLP.
at::Tensor stream_tail_forward(const StreamWeights& stream, const StreamModulation& modulation,
                               const at::Tensor& x, const at::Tensor& attended,
                               StreamSaved* saved) {
  const at::Tensor attn_delta =
      nn::linear_forward(stream.attn_out, attended, nn::part_of(saved, &StreamSaved::attn_out));
  const at::Tensor middle = nn::gated_residual_forward(x, modulation.gate_attn, attn_delta);
  const at::Tensor modulated =
      nn::layer_norm_modulate_forward(middle, modulation.shift_mlp, modulation.scale_mlp,
                                      kNormEpsilon, nn::part_of(saved, &StreamSaved::mlp_norm));
  const at::Tensor hidden =
      nn::linear_forward(stream.ff.in, modulated, nn::part_of(saved, &StreamSaved::ff_in));
  const at::Tensor ff_delta = nn::linear_forward(stream.ff.out, nn::gelu_tanh_forward(hidden),
                                                 nn::part_of(saved, &StreamSaved::ff_out));
  if (saved != nullptr) {
    saved->attn_delta = attn_delta;
    saved->ff_hidden = hidden;
    saved->ff_delta = ff_delta;
  }
  return nn::gated_residual_forward(middle, modulation.gate_mlp, ff_delta);
}

/// Gradients on the way back through one stream.
struct StreamTailGradient {
  at::Tensor dx;         ///< of what entered the block, past attention [B, L, D]
  at::Tensor dattended;  ///< of attention's result [B, L, D]
  at::Tensor dgate_attn, dshift_mlp, dscale_mlp, dgate_mlp;
};

StreamTailGradient stream_tail_backward(const StreamWeights& stream, const StreamSaved& saved,
                                        const at::Tensor& dout, nn::Gradients& gradients) {
  StreamTailGradient gradient;
  const auto mlp = nn::gated_residual_backward(saved.modulation.gate_mlp, saved.ff_delta, dout);
  gradient.dgate_mlp = mlp.dgate;
  const at::Tensor dactive = nn::linear_backward(stream.ff.out, saved.ff_out, mlp.dy, gradients);
  const at::Tensor dmodulated = nn::linear_backward(
      stream.ff.in, saved.ff_in, nn::gelu_tanh_backward(saved.ff_hidden, dactive), gradients);
  const auto norm =
      nn::layer_norm_modulate_backward(saved.mlp_norm, saved.modulation.scale_mlp, dmodulated);
  gradient.dshift_mlp = norm.dshift;
  gradient.dscale_mlp = norm.dscale;
  gradient.dx = dout + norm.dx;

  const auto attn =
      nn::gated_residual_backward(saved.modulation.gate_attn, saved.attn_delta, gradient.dx);
  gradient.dgate_attn = attn.dgate;
  gradient.dattended = nn::linear_backward(stream.attn_out, saved.attn_out, attn.dy, gradients);
  return gradient;
}

/// tail: as stream_tail_backward gave it; dqkv: of this stream's own tokens -> dx of the block.
at::Tensor stream_head_backward(const StreamWeights& stream, const StreamSaved& saved,
                                const StreamTailGradient& tail, const Qkv& dqkv,
                                ConditionGradient& condition, nn::Gradients& gradients) {
  const auto norm =
      nn::layer_norm_modulate_backward(saved.attn_norm, saved.modulation.scale_attn,
                                       qkv_backward(stream.qkv, saved.qkv, dqkv, gradients));
  modulation_backward(
      stream.norm1, saved.norm1,
      {norm.dshift, norm.dscale, tail.dgate_attn, tail.dshift_mlp, tail.dscale_mlp, tail.dgate_mlp},
      condition, gradients);
  return tail.dx + norm.dx;
}

}  // namespace

DoubleBlock load_double_block(nn::WeightSource& source, const std::string& name,
                              const Config& config, at::ScalarType dtype) {
  return {load_stream(source, name, /*image=*/true, config, dtype),
          load_stream(source, name, /*image=*/false, config, dtype)};
}

Streams double_block_forward(const DoubleBlock& block, const Streams& x, const Condition& condition,
                             const nn::RopeTable& rope, DoubleBlockSaved* saved,
                             const AttentionPlan& plan, const Beside& beside) {
  StreamSaved* image_saved = nn::part_of(saved, &DoubleBlockSaved::image);
  StreamSaved* text_saved = nn::part_of(saved, &DoubleBlockSaved::text);
  const int64_t text_length = x.text.size(1);
  const StreamModulation image = stream_modulation_forward(block.image.norm1, condition,
                                                           Tokens::image, text_length, image_saved);
  const StreamModulation text =
      stream_modulation_forward(block.text.norm1, condition, Tokens::text, text_length, text_saved);

  const Qkv image_qkv = stream_head_forward(block.image, image, x.image, image_saved);
  const Qkv text_qkv = stream_head_forward(block.text, text, x.text, text_saved);
  const Qkv joint = {at::cat({text_qkv.q, image_qkv.q}, 1), at::cat({text_qkv.k, image_qkv.k}, 1),
                     at::cat({text_qkv.v, image_qkv.v}, 1)};

  const at::Tensor attended = joint_attention_forward(
      joint, rope, plan, nn::part_of(saved, &DoubleBlockSaved::attention), beside);
  return {
      stream_tail_forward(block.image, image, x.image, attended.slice(1, text_length, at::nullopt),
                          image_saved),
      stream_tail_forward(block.text, text, x.text, attended.slice(1, 0, text_length), text_saved)};
}

at::Tensor double_block_image_forward(const DoubleBlock& block, const at::Tensor& image,
                                      const Condition& condition, const nn::RopeTable& rope,
                                      KeyValues& kept) {
  const StreamModulation modulation =
      stream_modulation_forward(block.image.norm1, condition, Tokens::image, 0, nullptr);
  const at::Tensor attended =
      joint_attention_forward(stream_head_forward(block.image, modulation, image, nullptr), rope,
                              {}, nullptr, {nullptr, &kept});
  return stream_tail_forward(block.image, modulation, image, attended, nullptr);
}

Streams double_block_backward(const DoubleBlock& block, const DoubleBlockSaved& saved,
                              const nn::RopeTable& rope, const Streams& dout,
                              ConditionGradient& condition, nn::Gradients& gradients) {
  const StreamTailGradient image =
      stream_tail_backward(block.image, saved.image, dout.image, gradients);
  const StreamTailGradient text =
      stream_tail_backward(block.text, saved.text, dout.text, gradients);

  const Qkv joint = joint_attention_backward(saved.attention, rope,
                                             at::cat({text.dattended, image.dattended}, 1));
  const int64_t text_length = dout.text.size(1);
  const auto text_part = [&](const at::Tensor& x) { return x.slice(1, 0, text_length); };
  const auto image_part = [&](const at::Tensor& x) { return x.slice(1, text_length, at::nullopt); };
  return {stream_head_backward(block.image, saved.image, image,
                               {image_part(joint.q), image_part(joint.k), image_part(joint.v)},
                               condition, gradients),
          stream_head_backward(block.text, saved.text, text,
                               {text_part(joint.q), text_part(joint.k), text_part(joint.v)},
                               condition, gradients)};
}

}  // namespace iclora::flux
