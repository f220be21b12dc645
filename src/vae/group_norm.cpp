#include "vae/group_norm.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

#include "vae/group_norm_kernel.h"

namespace iclora::vae {
namespace {

constexpr double kEpsilon = 1e-6;

/// Pixels that are summed up at once; a property of the shape.
int64_t chunk_of(int64_t channels) {
  return std::max<int64_t>(1, 32768 / channels);
}

/// Per image and channel, what x is multiplied with and what is added: fp32 [B, C] each.
struct Affine {
  std::vector<float> scale, shift;
};

template <typename T>
Affine affine_of(const GroupNorm& norm, const T* x, int64_t batch, int64_t pixels,
                 int64_t channels) {
  const int64_t chunk = chunk_of(channels);
  const int64_t chunks = (pixels + chunk - 1) / chunk;
  std::vector<double> moments(static_cast<size_t>(batch * chunks * 2 * channels), 0.0);
  at::parallel_for(0, batch * chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i % chunks * chunk;
      double* sum = moments.data() + i * 2 * channels;
      kernel::add_moments(x + (i / chunks * pixels + first) * channels,
                          std::min(chunk, pixels - first), channels, sum, sum + channels);
    }
  });
  const at::Tensor weight = norm.weight.to(at::kFloat).contiguous();
  const at::Tensor bias = norm.bias.to(at::kFloat).contiguous();
  const auto* gamma = weight.const_data_ptr<float>();
  const auto* beta = bias.const_data_ptr<float>();
  const int64_t width = channels / norm.groups;
  const auto count = static_cast<double>(width * pixels);
  Affine affine{std::vector<float>(static_cast<size_t>(batch * channels)),
                std::vector<float>(static_cast<size_t>(batch * channels))};
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t group = 0; group < norm.groups; ++group) {
      double sum = 0;
      double square = 0;
      for (int64_t i = b * chunks; i < (b + 1) * chunks; ++i) {
        for (int64_t c = group * width; c < (group + 1) * width; ++c) {
          sum += moments[static_cast<size_t>(i * 2 * channels + c)];
          square += moments[static_cast<size_t>((i * 2 + 1) * channels + c)];
        }
      }
      const double mean = sum / count;
      const double variance = std::max(square / count - mean * mean, 0.0);
      const double inverse = 1 / std::sqrt(variance + kEpsilon);
      for (int64_t c = group * width; c < (group + 1) * width; ++c) {
        const double scale = inverse * gamma[c];
        affine.scale[static_cast<size_t>(b * channels + c)] = static_cast<float>(scale);
        affine.shift[static_cast<size_t>(b * channels + c)] =
            static_cast<float>(beta[c] - mean * scale);
      }
    }
  }
  return affine;
}

template <typename T>
void run(const GroupNorm& norm, const T* x, int64_t batch, int64_t pixels, int64_t channels,
         bool silu, T* y) {
  const Affine affine = affine_of(norm, x, batch, pixels, channels);
  const int64_t chunk = chunk_of(channels);
  const int64_t chunks = (pixels + chunk - 1) / chunk;
  at::parallel_for(0, batch * chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t b = i / chunks;
      const int64_t first = i % chunks * chunk;
      const int64_t offset = (b * pixels + first) * channels;
      kernel::scale_and_shift(x + offset, std::min(chunk, pixels - first), channels,
                              affine.scale.data() + b * channels,
                              affine.shift.data() + b * channels, silu, y + offset);
    }
  });
}

at::Tensor forward(const GroupNorm& norm, const at::Tensor& x, bool silu) {
  const bool graph =
      c10::GradMode::is_enabled() &&
      (x.requires_grad() || norm.weight.requires_grad() || norm.bias.requires_grad());
  const auto dtype = x.scalar_type();
  if (graph || !x.is_cpu() || (dtype != at::kFloat && dtype != at::kBFloat16)) {
    const at::Tensor y = at::group_norm(x, norm.groups, norm.weight, norm.bias, kEpsilon);
    return silu ? at::silu(y) : y;
  }
  const at::Tensor in = x.contiguous(at::MemoryFormat::ChannelsLast);
  at::Tensor out = at::empty(in.sizes(), in.options(), at::MemoryFormat::ChannelsLast);
  const int64_t pixels = x.size(2) * x.size(3);
  if (dtype == at::kFloat) {
    run(norm, in.const_data_ptr<float>(), x.size(0), pixels, x.size(1), silu,
        out.mutable_data_ptr<float>());
  } else {
    run(norm, static_cast<const uint16_t*>(in.const_data_ptr()), x.size(0), pixels, x.size(1), silu,
        static_cast<uint16_t*>(out.mutable_data_ptr()));
  }
  return out;
}

}  // namespace

at::Tensor group_norm_forward(const GroupNorm& norm, const at::Tensor& x) {
  return forward(norm, x, /*silu=*/false);
}

at::Tensor group_norm_silu_forward(const GroupNorm& norm, const at::Tensor& x) {
  return forward(norm, x, /*silu=*/true);
}

}  // namespace iclora::vae
