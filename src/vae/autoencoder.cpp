#include "vae/autoencoder.h"

#include <ATen/ATen.h>

#include "core/error.h"

namespace iclora::vae {
namespace {

Stage load_stage(nn::WeightSource& source, const std::string& name, int64_t in, int64_t out,
                 int64_t layers, const std::string& resample, const Config& config,
                 at::ScalarType dtype) {
  Stage stage;
  for (int64_t layer = 0; layer < layers; ++layer) {
    stage.resnets.push_back(load_resnet(source, fmt::format("{}.resnets.{}", name, layer),
                                        layer == 0 ? in : out, out, config.norm_num_groups, dtype));
  }
  if (!resample.empty()) {
    stage.resample = load_conv(source, name + "." + resample + ".0.conv", out, out, 3, dtype);
  }
  return stage;
}

}  // namespace

Encoder load_encoder(nn::WeightSource& source, const Config& config, at::ScalarType dtype) {
  const auto& channels = config.block_out_channels;
  const int64_t moments = 2 * config.latent_channels;
  Encoder encoder;
  encoder.config = config;
  encoder.conv_in =
      load_conv(source, "encoder.conv_in", config.in_channels, channels.front(), 3, dtype);
  for (size_t i = 0; i < channels.size(); ++i) {
    encoder.down_blocks.push_back(load_stage(
        source, fmt::format("encoder.down_blocks.{}", i), channels[i == 0 ? 0 : i - 1], channels[i],
        config.layers_per_block, i + 1 < channels.size() ? "downsamplers" : "", config, dtype));
  }
  const int64_t width = channels.back();
  encoder.mid_block = load_mid_block(source, "encoder.mid_block", width, config.norm_num_groups,
                                     config.mid_block_add_attention, dtype);
  encoder.conv_norm_out =
      load_group_norm(source, "encoder.conv_norm_out", width, config.norm_num_groups, dtype);
  encoder.conv_out = load_conv(source, "encoder.conv_out", width, moments, 3, dtype);
  if (config.use_quant_conv) {
    encoder.quant_conv = load_conv(source, "quant_conv", moments, moments, 1, dtype);
  }
  return encoder;
}

Decoder load_decoder(nn::WeightSource& source, const Config& config, at::ScalarType dtype) {
  const auto& channels = config.block_out_channels;
  int64_t width = channels.back();
  Decoder decoder;
  decoder.config = config;
  if (config.use_post_quant_conv) {
    decoder.post_quant_conv = load_conv(source, "post_quant_conv", config.latent_channels,
                                        config.latent_channels, 1, dtype);
  }
  decoder.conv_in = load_conv(source, "decoder.conv_in", config.latent_channels, width, 3, dtype);
  decoder.mid_block = load_mid_block(source, "decoder.mid_block", width, config.norm_num_groups,
                                     config.mid_block_add_attention, dtype);
  for (size_t i = 0; i < channels.size(); ++i) {
    const int64_t out = channels[channels.size() - 1 - i];
    decoder.up_blocks.push_back(load_stage(
        source, fmt::format("decoder.up_blocks.{}", i), width, out, config.layers_per_block + 1,
        i + 1 < channels.size() ? "upsamplers" : "", config, dtype));
    width = out;
  }
  decoder.conv_norm_out =
      load_group_norm(source, "decoder.conv_norm_out", width, config.norm_num_groups, dtype);
  decoder.conv_out = load_conv(source, "decoder.conv_out", width, config.in_channels, 3, dtype);
  return decoder;
}

Posterior encode(const Encoder& encoder, const at::Tensor& pixels) {
  const int64_t factor = encoder.config.downscale();
  if (pixels.dim() != 4 || pixels.size(1) != encoder.config.in_channels || pixels.numel() == 0) {
    fail(ErrorKind::internal, "encode: the pixels must be [B, {}, H, W].",
         encoder.config.in_channels);
  }
  if (pixels.size(2) % factor != 0 || pixels.size(3) % factor != 0) {
    fail_input("A picture of {} x {} pixels cannot be encoded: width and height must divide by {}.",
               pixels.size(3), pixels.size(2), factor);
  }
  at::Tensor x = conv_forward(
      encoder.conv_in,
      pixels.to(encoder.conv_in.weight.scalar_type()).contiguous(at::MemoryFormat::ChannelsLast));
  for (const Stage& stage : encoder.down_blocks) {
    for (const Resnet& resnet : stage.resnets) x = resnet_forward(resnet, x);
    if (stage.resample) x = downsample_forward(*stage.resample, x);
  }
  x = mid_block_forward(encoder.mid_block, x);
  x = conv_forward(encoder.conv_out, group_norm_silu_forward(encoder.conv_norm_out, x));
  if (encoder.quant_conv) x = conv_forward(*encoder.quant_conv, x);
  const auto moments = x.to(at::kFloat).contiguous().chunk(2, 1);
  return {moments[0], moments[1].clamp(-30.0, 20.0)};
}

at::Tensor decode_middle(const Decoder& decoder, const at::Tensor& z) {
  if (z.dim() != 4 || z.size(1) != decoder.config.latent_channels || z.numel() == 0) {
    fail(ErrorKind::internal, "decode: the latents must be [B, {}, h, w].",
         decoder.config.latent_channels);
  }
  at::Tensor x =
      z.to(decoder.conv_in.weight.scalar_type()).contiguous(at::MemoryFormat::ChannelsLast);
  if (decoder.post_quant_conv) x = conv_forward(*decoder.post_quant_conv, x);
  return mid_block_forward(decoder.mid_block, conv_forward(decoder.conv_in, x));
}

at::Tensor decode_pixels(const Decoder& decoder, const at::Tensor& middle, NormTape* tape) {
  at::Tensor x = middle.contiguous(at::MemoryFormat::ChannelsLast);
  for (const Stage& stage : decoder.up_blocks) {
    for (const Resnet& resnet : stage.resnets) x = resnet_forward(resnet, x, tape);
    if (stage.resample) x = upsample_forward(*stage.resample, x);
  }
  x = group_norm_silu_forward(decoder.conv_norm_out, x, tape);
  return conv_forward(decoder.conv_out, x).to(at::kFloat).contiguous();
}

at::Tensor decode(const Decoder& decoder, const at::Tensor& z) {
  return decode_pixels(decoder, decode_middle(decoder, z));
}

at::Tensor to_transformer_scale(const Config& config, const at::Tensor& z) {
  return (z - config.shift_factor) * config.scaling_factor;
}

at::Tensor from_transformer_scale(const Config& config, const at::Tensor& latents) {
  return latents / config.scaling_factor + config.shift_factor;
}

}  // namespace iclora::vae
