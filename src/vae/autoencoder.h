#pragma once
// The autoencoder between pictures and latents (diffusers' AutoencoderKL).

#include <ATen/core/Tensor.h>

#include <optional>
#include <vector>

#include "vae/config.h"
#include "vae/modules.h"

namespace iclora::vae {

/// Resnets, then a change of size (all but the last).
struct Stage {
  std::vector<Resnet> resnets;
  std::optional<Conv> resample;  ///< downsamplers.0.conv or upsamplers.0.conv
};

struct Encoder {
  Config config;
  Conv conv_in;
  std::vector<Stage> down_blocks;
  MidBlock mid_block;
  GroupNorm conv_norm_out;
  Conv conv_out;
  std::optional<Conv> quant_conv;
};

struct Decoder {
  Config config;
  std::optional<Conv> post_quant_conv;
  Conv conv_in;
  MidBlock mid_block;
  std::vector<Stage> up_blocks;
  GroupNorm conv_norm_out;
  Conv conv_out;
};

Encoder load_encoder(nn::WeightSource& source, const Config& config, at::ScalarType dtype);
Decoder load_decoder(nn::WeightSource& source, const Config& config, at::ScalarType dtype);

/// A diagonal normal distribution over latents, each fp32 [B, 16, H/8, W/8].
struct Posterior {
  at::Tensor mean;    ///< the mode
  at::Tensor logvar;  ///< clamped to -30..20
};

/// pixels: fp32 [B, 3, H, W] in -1..1, H and W multiples of 8.
Posterior encode(const Encoder& encoder, const at::Tensor& pixels);
/// z: [B, 16, h, w] in the autoencoder's own scale -> fp32 [B, 3, 8h, 8w], about -1..1.
at::Tensor decode(const Decoder& decoder, const at::Tensor& z);

/// decode() in two: up to the middle block, whose attention sees all of the canvas, at the latents'
/// size [B, C, h, w]; and from there to pixels, through convolutions and norms alone.
at::Tensor decode_middle(const Decoder& decoder, const at::Tensor& z);
at::Tensor decode_pixels(const Decoder& decoder, const at::Tensor& middle,
                         NormTape* tape = nullptr);

/// Between the autoencoder's scale and the transformer's: (z - shift) * scale and back.
at::Tensor to_transformer_scale(const Config& config, const at::Tensor& z);
at::Tensor from_transformer_scale(const Config& config, const at::Tensor& latents);

}  // namespace iclora::vae
