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

template <typename T>
NormTape::Entry measure(const GroupNorm& norm, const T* x, int64_t batch, int64_t pixels,
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
  NormTape::Entry entry = {at::empty({batch, channels}, at::kFloat),
                           at::empty({batch, channels}, at::kFloat)};
  auto* scales = entry.scale.mutable_data_ptr<float>();
  auto* shifts = entry.shift.mutable_data_ptr<float>();
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
        scales[b * channels + c] = static_cast<float>(scale);
        shifts[b * channels + c] = static_cast<float>(beta[c] - mean * scale);
      }
    }
  }
  return entry;
}

template <typename T>
void apply(const NormTape::Entry& entry, const T* x, int64_t batch, int64_t pixels,
           int64_t channels, bool silu, T* y) {
  const int64_t chunk = chunk_of(channels);
  const int64_t chunks = (pixels + chunk - 1) / chunk;
  const auto* scale = entry.scale.const_data_ptr<float>();
  const auto* shift = entry.shift.const_data_ptr<float>();
  at::parallel_for(0, batch * chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t b = i / chunks;
      const int64_t first = i % chunks * chunk;
      const int64_t offset = (b * pixels + first) * channels;
      kernel::scale_and_shift(x + offset, std::min(chunk, pixels - first), channels,
                              scale + b * channels, shift + b * channels, silu, y + offset);
    }
  });
}

/// The entry to use: the tape's next one, or what `measured` finds, which is then recorded.
template <typename F>
NormTape::Entry entry_from(NormTape* tape, const F& measured) {
  if (tape != nullptr && tape->replay) return tape->entries.at(tape->next++);
  NormTape::Entry entry = measured();
  if (tape != nullptr) tape->entries.push_back(entry);
  return entry;
}

/// From plain tensor operations, for any device, dtype and layout.
NormTape::Entry measure(const GroupNorm& norm, const at::Tensor& x) {
  const auto [variance, mean] = at::var_mean(x.to(at::kFloat).unflatten(1, {norm.groups, -1}),
                                             at::IntArrayRef{2, 3, 4}, /*correction=*/0);
  const auto spread = [&](const at::Tensor& value) {  // [B, groups] -> [B, C]
    return value.repeat_interleave(x.size(1) / norm.groups, 1);
  };
  const at::Tensor scale = spread(at::rsqrt(variance + kEpsilon)) * norm.weight.to(at::kFloat);
  return {scale, norm.bias.to(at::kFloat) - spread(mean) * scale};
}

at::Tensor forward(const GroupNorm& norm, const at::Tensor& x, bool silu, NormTape* tape) {
  const bool graph =
      c10::GradMode::is_enabled() &&
      (x.requires_grad() || norm.weight.requires_grad() || norm.bias.requires_grad());
  const auto dtype = x.scalar_type();
  if (graph || !x.is_cpu() || (dtype != at::kFloat && dtype != at::kBFloat16)) {
    at::Tensor y;
    if (tape == nullptr) {
      y = at::group_norm(x, norm.groups, norm.weight, norm.bias, kEpsilon);
    } else {
      const NormTape::Entry entry = entry_from(tape, [&] { return measure(norm, x); });
      const auto wide = [](const at::Tensor& value) { return value.unsqueeze(-1).unsqueeze(-1); };
      y = at::addcmul(wide(entry.shift), x.to(at::kFloat), wide(entry.scale)).to(dtype);
    }
    return silu ? at::silu(y) : y;
  }
  const at::Tensor in = x.contiguous(at::MemoryFormat::ChannelsLast);
  at::Tensor out = at::empty(in.sizes(), in.options(), at::MemoryFormat::ChannelsLast);
  const auto run = [&](const auto* source, auto* target) {
    const int64_t pixels = x.size(2) * x.size(3);
    const NormTape::Entry entry =
        entry_from(tape, [&] { return measure(norm, source, x.size(0), pixels, x.size(1)); });
    apply(entry, source, x.size(0), pixels, x.size(1), silu, target);
  };
  if (dtype == at::kFloat) {
    run(in.const_data_ptr<float>(), out.mutable_data_ptr<float>());
  } else {
    run(static_cast<const uint16_t*>(in.const_data_ptr()),
        static_cast<uint16_t*>(out.mutable_data_ptr()));
  }
  return out;
}

}  // namespace

at::Tensor group_norm_forward(const GroupNorm& norm, const at::Tensor& x, NormTape* tape) {
  return forward(norm, x, /*silu=*/false, tape);
}

at::Tensor group_norm_silu_forward(const GroupNorm& norm, const at::Tensor& x, NormTape* tape) {
  return forward(norm, x, /*silu=*/true, tape);
}

}  // namespace iclora::vae
