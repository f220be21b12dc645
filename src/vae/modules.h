#pragma once
// The pieces the autoencoder is made of, as functions of a map [B, C, H, W] with a pixel's channels
// side by side in memory ("channels last"): there convolutions are faster, and their bytes do not
// depend on the number of threads. Nothing is changed in place, so that a from-scratch training can
// run the same functions under autograd.

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

#include "nn/linear.h"
#include "vae/group_norm.h"

namespace iclora::vae {

struct Conv {
  at::Tensor weight;  ///< [out, in, k, k]
  at::Tensor bias;    ///< [out]
};
Conv load_conv(nn::WeightSource& source, const std::string& name, int64_t in, int64_t out,
               int64_t kernel, at::ScalarType dtype);
/// Same size (k odd, zero padding).
at::Tensor conv_forward(const Conv& conv, const at::Tensor& x);

GroupNorm load_group_norm(nn::WeightSource& source, const std::string& name, int64_t channels,
                          int64_t groups, at::ScalarType dtype);

/// x + conv2(silu(norm2(conv1(silu(norm1(x)))))), with a 1x1 shortcut where the width changes.
struct Resnet {
  GroupNorm norm1;
  Conv conv1;
  GroupNorm norm2;
  Conv conv2;
  std::optional<Conv> conv_shortcut;
};
Resnet load_resnet(nn::WeightSource& source, const std::string& name, int64_t in, int64_t out,
                   int64_t groups, at::ScalarType dtype);
at::Tensor resnet_forward(const Resnet& block, const at::Tensor& x, NormTape* tape = nullptr);

/// x + to_out(attention(group_norm(x))), one head over all positions.
struct Attention {
  GroupNorm group_norm;
  nn::Linear to_q, to_k, to_v, to_out;
};
Attention load_attention(nn::WeightSource& source, const std::string& name, int64_t channels,
                         int64_t groups, at::ScalarType dtype);
at::Tensor attention_forward(const Attention& block, const at::Tensor& x);

/// Resnet, attention (where there is one), resnet.
struct MidBlock {
  Resnet first;
  std::optional<Attention> attention;
  Resnet second;
};
MidBlock load_mid_block(nn::WeightSource& source, const std::string& name, int64_t channels,
                        int64_t groups, bool attention, at::ScalarType dtype);
at::Tensor mid_block_forward(const MidBlock& block, const at::Tensor& x);

/// Half the size: one row and column of zeros at the far edges, 3x3 with stride 2.
at::Tensor downsample_forward(const Conv& conv, const at::Tensor& x);
/// Twice the size by repetition, then 3x3.
at::Tensor upsample_forward(const Conv& conv, const at::Tensor& x);

}  // namespace iclora::vae
