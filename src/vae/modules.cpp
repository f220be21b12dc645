#include "vae/modules.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "nn/pieces.h"

namespace iclora::vae {
namespace {

// Pieces are at least so large that laying out a convolution's weights, which happens once a
// piece, costs little beside it; more of them than so many help no machine.
constexpr int64_t kPiecePixels = 1024;
constexpr int64_t kMostPieces = 64;
constexpr int64_t kPieceQueries = 256;

bool records_graph(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  return c10::GradMode::is_enabled() &&
         (x.requires_grad() || weight.requires_grad() || bias.requires_grad());
}

/// A convolution over x with `before` rows and columns of zeros before it and `after` behind it,
/// rows by rows in pieces that depend on the shape alone.
at::Tensor convolve(const Conv& conv, const at::Tensor& x, int64_t before, int64_t after,
                    int64_t stride) {
  const int64_t kernel = conv.weight.size(2);
  const int64_t height = x.size(2);
  const int64_t rows = (height + before + after - kernel) / stride + 1;
  const int64_t columns = (x.size(3) + before + after - kernel) / stride + 1;
  if (!x.is_cpu() || records_graph(x, conv.weight, conv.bias)) {
    if (before == after) return at::conv2d(x, conv.weight, conv.bias, stride, before);
    return at::conv2d(at::constant_pad_nd(x, {before, after, before, after}), conv.weight,
                      conv.bias, stride);
  }
  const int64_t pieces = std::clamp<int64_t>(rows * columns / kPiecePixels, 1, kMostPieces);
  const int64_t share = (rows + pieces - 1) / pieces;
  const int64_t bands = (rows + share - 1) / share;
  at::Tensor out = at::empty({x.size(0), conv.weight.size(0), rows, columns}, x.options(),
                             at::MemoryFormat::ChannelsLast);
  // Pictures smaller than a piece share one.
  const int64_t together = std::max<int64_t>(1, kPiecePixels / (rows * columns));
  if (together > 1 && before == after) {
    nn::for_pieces((x.size(0) + together - 1) / together, [&](int64_t i) {
      const int64_t count = std::min(together, x.size(0) - i * together);
      out.narrow(0, i * together, count)
          .copy_(
              at::conv2d(x.narrow(0, i * together, count), conv.weight, conv.bias, stride, before));
    });
    return out;
  }
  nn::for_pieces(x.size(0) * bands, [&](int64_t i) {
    const int64_t first = i % bands * share;
    const int64_t count = std::min(share, rows - first);
    // What the rows see of x, and how far that reaches beyond it.
    const int64_t top = first * stride - before;
    const int64_t bottom = top + (count - 1) * stride + kernel;
    const int64_t above = std::max<int64_t>(0, -top);
    const int64_t below = std::max<int64_t>(0, bottom - height);
    at::Tensor band =
        x.narrow(0, i / bands, 1).narrow(2, top + above, bottom - top - above - below);
    std::vector<int64_t> padding = {above, before};
    // With AMX, oneDNN 3.10 computes a bf16 map of one column out of memory that nobody has written
    // when the stride is 2: a second column, of zeros, is computed beside it and dropped.
    const int64_t spare = stride > 1 && columns == 1 ? stride : 0;
    if (above != below || before != after || spare > 0) {
      band = at::constant_pad_nd(band, {before, after + spare, above, below});
      padding = {0, 0};
    }
    out.narrow(0, i / bands, 1)
        .narrow(2, first, count)
        .copy_(at::conv2d(band, conv.weight, conv.bias, stride, padding).narrow(3, 0, columns));
  });
  return out;
}

/// A linear layer over a map's channels.
at::Tensor project(const nn::Linear& layer, const at::Tensor& x) {
  return conv_forward({layer.weight.unsqueeze(-1).unsqueeze(-1), layer.bias}, x);
}

/// One head over all tokens. q, k, v: [B, L, C].
at::Tensor attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  const auto head = [](const at::Tensor& x) { return x.unsqueeze(1); };
  if (!q.is_cpu() || records_graph(q, k, v)) {
    return at::scaled_dot_product_attention(head(q), head(k), head(v)).squeeze(1);
  }
  const int64_t length = q.size(1);
  const int64_t pieces = (length + kPieceQueries - 1) / kPieceQueries;
  at::Tensor out = at::empty_like(q);
  nn::for_pieces(q.size(0) * pieces, [&](int64_t i) {
    const auto of_canvas = [&](const at::Tensor& x) { return x.narrow(0, i / pieces, 1); };
    const int64_t first = i % pieces * kPieceQueries;
    const auto queries = [&](const at::Tensor& x) {
      return of_canvas(x).narrow(1, first, std::min(kPieceQueries, length - first));
    };
    queries(out).copy_(
        at::scaled_dot_product_attention(head(queries(q)), head(of_canvas(k)), head(of_canvas(v)))
            .squeeze(1));
  });
  return out;
}

}  // namespace

Conv load_conv(nn::WeightSource& source, const std::string& name, int64_t in, int64_t out,
               int64_t kernel, at::ScalarType dtype) {
  return {source.get(name + ".weight", {out, in, kernel, kernel}, dtype),
          source.get(name + ".bias", {out}, dtype)};
}

at::Tensor conv_forward(const Conv& conv, const at::Tensor& x) {
  return convolve(conv, x, conv.weight.size(2) / 2, conv.weight.size(2) / 2, /*stride=*/1);
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
  const at::Tensor normalised = group_norm_forward(block.group_norm, x);
  const auto tokens = [&](const nn::Linear& layer) {  // [B, C, H, W] -> [B, H * W, C]
    return project(layer, normalised).permute({0, 2, 3, 1}).flatten(1, 2);
  };
  const at::Tensor attended = attend(tokens(block.to_q), tokens(block.to_k), tokens(block.to_v));
  const at::Tensor map = attended.unflatten(1, {x.size(2), x.size(3)}).permute({0, 3, 1, 2});
  return x + project(block.to_out, map);
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
  return convolve(conv, x, /*before=*/0, /*after=*/1, /*stride=*/2);
}

at::Tensor upsample_forward(const Conv& conv, const at::Tensor& x) {
  return conv_forward(
      conv, at::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)}, at::nullopt, at::nullopt));
}

}  // namespace iclora::vae
