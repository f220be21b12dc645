#include "vae/modules.h"

#include <ATen/ATen.h>

namespace iclora::vae {

Conv load_conv(nn::WeightSource& source, const std::string& name, int64_t in, int64_t out,
               int64_t kernel, at::ScalarType dtype) {
  return {source.get(name + ".weight", {out, in, kernel, kernel}, dtype),
          source.get(name + ".bias", {out}, dtype)};
}

at::Tensor conv_forward(const Conv& conv, const at::Tensor& x) {
  const int64_t kernel = conv.weight.size(2);
  if (kernel == 1) {
    // As a product over channels: libtorch's 1x1 convolution in fp32 depends on the threads.
    nn::Linear layer;
    layer.weight = conv.weight.flatten(1);
    layer.bias = conv.bias;
    return nn::linear_forward(layer, x.permute({0, 2, 3, 1})).permute({0, 3, 1, 2});
  }
  return at::conv2d(x, conv.weight, conv.bias, /*stride=*/1, kernel / 2);
}

GroupNorm load_group_norm(nn::WeightSource& source, const std::string& name, int64_t channels,
                          int64_t groups, at::ScalarType dtype) {
  return {source.get(name + ".weight", {channels}, dtype),
          source.get(name + ".bias", {channels}, dtype), groups};
}

Resnet load_resnet(nn::WeightSource& source, const std::string& name, int64_t in, int64_t out,
                   int64_t groups, at::ScalarType dtype) {
  Resnet block;
  block.norm1 = load_group_norm(source, name + ".norm1", in, groups, dtype);
  block.conv1 = load_conv(source, name + ".conv1", in, out, 3, dtype);
  block.norm2 = load_group_norm(source, name + ".norm2", out, groups, dtype);
  block.conv2 = load_conv(source, name + ".conv2", out, out, 3, dtype);
  if (in != out)
    block.conv_shortcut = load_conv(source, name + ".conv_shortcut", in, out, 1, dtype);
  return block;
}

at::Tensor resnet_forward(const Resnet& block, const at::Tensor& x, NormTape* tape) {
  // One name, so that each map leaves memory as soon as the next one stands.
  at::Tensor y = group_norm_silu_forward(block.norm1, x, tape);
  y = conv_forward(block.conv1, y);
  y = group_norm_silu_forward(block.norm2, y, tape);
  y = conv_forward(block.conv2, y);
  return (block.conv_shortcut ? conv_forward(*block.conv_shortcut, x) : x) + y;
}

Attention load_attention(nn::WeightSource& source, const std::string& name, int64_t channels,
                         int64_t groups, at::ScalarType dtype) {
  Attention block;
  block.group_norm = load_group_norm(source, name + ".group_norm", channels, groups, dtype);
  block.to_q = nn::load_linear(source, name + ".to_q", channels, channels, dtype);
  block.to_k = nn::load_linear(source, name + ".to_k", channels, channels, dtype);
  block.to_v = nn::load_linear(source, name + ".to_v", channels, channels, dtype);
  block.to_out = nn::load_linear(source, name + ".to_out.0", channels, channels, dtype);
  return block;
}

at::Tensor attention_forward(const Attention& block, const at::Tensor& x) {
  // [B, C, H, W] -> [B, H * W, C], one head.
  const at::Tensor tokens =
      group_norm_forward(block.group_norm, x).permute({0, 2, 3, 1}).flatten(1, 2);
  const auto head = [&](const nn::Linear& layer) {
    return nn::linear_forward(layer, tokens).unsqueeze(1);
  };
  const at::Tensor attended =
      at::scaled_dot_product_attention(head(block.to_q), head(block.to_k), head(block.to_v))
          .squeeze(1);
  const at::Tensor out = nn::linear_forward(block.to_out, attended);
  return x + out.unflatten(1, {x.size(2), x.size(3)}).permute({0, 3, 1, 2});
}

MidBlock load_mid_block(nn::WeightSource& source, const std::string& name, int64_t channels,
                        int64_t groups, bool attention, at::ScalarType dtype) {
  MidBlock block;
  block.first = load_resnet(source, name + ".resnets.0", channels, channels, groups, dtype);
  if (attention) {
    block.attention = load_attention(source, name + ".attentions.0", channels, groups, dtype);
  }
  block.second = load_resnet(source, name + ".resnets.1", channels, channels, groups, dtype);
  return block;
}

at::Tensor mid_block_forward(const MidBlock& block, const at::Tensor& x) {
  at::Tensor y = resnet_forward(block.first, x);
  if (block.attention) y = attention_forward(*block.attention, y);
  return resnet_forward(block.second, y);
}

at::Tensor downsample_forward(const Conv& conv, const at::Tensor& x) {
  constexpr int64_t stride = 2;
  return at::conv2d(at::constant_pad_nd(x, {0, 1, 0, 1}), conv.weight, conv.bias, stride);
}

at::Tensor upsample_forward(const Conv& conv, const at::Tensor& x) {
  return conv_forward(
      conv, at::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)}, at::nullopt, at::nullopt));
}

}  // namespace iclora::vae
