#include "vae/group_norm.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

#include "vae/group_norm_graph.h"
#include "vae/group_norm_kernel.h"

namespace iclora::vae {
namespace {

constexpr double kEpsilon = 1e-6;

/// Pixels that are summed up at once; a property of the shape.
int64_t chunk_of(int64_t channels) {
  return std::max<int64_t>(1, 32768 / channels);
}

/// `saved` also gets the groups' means and inverse deviations where it is given.
template <typename T>
NormTape::Entry measure(const GroupNorm& norm, const T* x, int64_t batch, int64_t pixels,
                        int64_t channels, GroupNormSaved* saved = nullptr) {
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
  if (saved != nullptr) {
    saved->mean = at::empty({batch, norm.groups}, at::kFloat);
    saved->inverse = at::empty({batch, norm.groups}, at::kFloat);
  }
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
      if (saved != nullptr) {
        saved->mean.mutable_data_ptr<float>()[b * norm.groups + group] = static_cast<float>(mean);
        saved->inverse.mutable_data_ptr<float>()[b * norm.groups + group] =
            static_cast<float>(inverse);
      }
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

/// The two sums of kernel::add_gradient_sums over each canvas: fp64 [B, 2, C].
template <typename T>
at::Tensor gradient_sums(const GroupNormSaved& saved, const T* x, const T* dy, int64_t batch,
                         int64_t pixels, int64_t channels, bool silu) {
  const int64_t chunk = chunk_of(channels);
  const int64_t chunks = (pixels + chunk - 1) / chunk;
  at::Tensor parts = at::zeros({batch, chunks, 2, channels}, at::kFloat);
  auto* sums = parts.mutable_data_ptr<float>();
  const auto* scale = saved.entry.scale.const_data_ptr<float>();
  const auto* shift = saved.entry.shift.const_data_ptr<float>();
  at::parallel_for(0, batch * chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t b = i / chunks;
      const int64_t first = i % chunks * chunk;
      const int64_t offset = (b * pixels + first) * channels;
      kernel::add_gradient_sums(x + offset, dy + offset, std::min(chunk, pixels - first), channels,
                                scale + b * channels, shift + b * channels, silu,
                                sums + i * 2 * channels, sums + (i * 2 + 1) * channels);
    }
  });
  at::Tensor out = at::zeros({batch, 2, channels}, at::kDouble);
  for (int64_t i = 0; i < chunks; ++i) out.add_(parts.select(1, i));
  return out;
}

/// dx from the three coefficients a canvas and channel, fp32 [B, C] each.
template <typename T>
void combine(const GroupNormSaved& saved, const T* x, const T* dy, int64_t batch, int64_t pixels,
             int64_t channels, bool silu, const at::Tensor& of_du, const at::Tensor& of_x,
             const at::Tensor& constant, T* dx) {
  const int64_t chunk = chunk_of(channels);
  const int64_t chunks = (pixels + chunk - 1) / chunk;
  const auto* scale = saved.entry.scale.const_data_ptr<float>();
  const auto* shift = saved.entry.shift.const_data_ptr<float>();
  const auto* a = of_du.const_data_ptr<float>();
  const auto* b = of_x.const_data_ptr<float>();
  const auto* c = constant.const_data_ptr<float>();
  at::parallel_for(0, batch * chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = i / chunks * channels;
      const int64_t first = i % chunks * chunk;
      const int64_t offset = row * pixels + first * channels;
      kernel::combine_gradient(x + offset, dy + offset, std::min(chunk, pixels - first), channels,
                               scale + row, shift + row, silu, a + row, b + row, c + row,
                               dx + offset);
    }
  });
}

/// Calls run with the memory of x and dy, as fp32 or as bf16's bits, and what allocates alike.
template <typename F>
void with_memory(const at::Tensor& x, const F& run) {
  if (x.scalar_type() == at::kFloat) {
    run([](const at::Tensor& t) { return t.const_data_ptr<float>(); },
        [](at::Tensor& t) { return t.mutable_data_ptr<float>(); });
  } else {
    run([](const at::Tensor& t) { return static_cast<const uint16_t*>(t.const_data_ptr()); },
        [](at::Tensor& t) { return static_cast<uint16_t*>(t.mutable_data_ptr()); });
  }
}

bool has_kernel(const at::Tensor& x) {
  return x.is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}

at::Tensor forward(const GroupNorm& norm, const at::Tensor& x, bool silu, NormTape* tape) {
  const bool graph =
      c10::GradMode::is_enabled() &&
      (x.requires_grad() || norm.weight.requires_grad() || norm.bias.requires_grad());
  const auto dtype = x.scalar_type();
  if (graph && tape == nullptr && has_kernel(x)) return group_norm_graph(norm, x, silu);
  if (graph || !has_kernel(x)) {
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
  with_memory(in, [&](const auto& source, const auto& target) {
    const int64_t pixels = x.size(2) * x.size(3);
    const NormTape::Entry entry =
        entry_from(tape, [&] { return measure(norm, source(in), x.size(0), pixels, x.size(1)); });
    apply(entry, source(in), x.size(0), pixels, x.size(1), silu, target(out));
  });
  return out;
}

}  // namespace

at::Tensor group_norm_forward(const GroupNorm& norm, const at::Tensor& x, NormTape* tape) {
  return forward(norm, x, /*silu=*/false, tape);
}

at::Tensor group_norm_training_forward(const GroupNorm& norm, const at::Tensor& x, bool silu,
                                       GroupNormSaved& saved) {
  saved.x = x.contiguous(at::MemoryFormat::ChannelsLast);
  at::Tensor out = at::empty(x.sizes(), x.options(), at::MemoryFormat::ChannelsLast);
  with_memory(x, [&](const auto& source, const auto& target) {
    const int64_t pixels = x.size(2) * x.size(3);
    saved.entry = measure(norm, source(saved.x), x.size(0), pixels, x.size(1), &saved);
    apply(saved.entry, source(saved.x), x.size(0), pixels, x.size(1), silu, target(out));
  });
  return out;
}

GroupNormGradient group_norm_backward(const GroupNorm& norm, const GroupNormSaved& saved, bool silu,
                                      const at::Tensor& dy) {
  const at::Tensor& x = saved.x;
  const int64_t channels = x.size(1);
  const int64_t pixels = x.size(2) * x.size(3);
  const at::Tensor dense = dy.contiguous(at::MemoryFormat::ChannelsLast);
  GroupNormGradient gradient;
  gradient.dx = at::empty(x.sizes(), x.options(), at::MemoryFormat::ChannelsLast);
  with_memory(x, [&](const auto& source, const auto& target) {
    const at::Tensor sums =
        gradient_sums(saved, source(x), source(dense), x.size(0), pixels, channels, silu);
    // With h = (x - mean) / deviation of a group of m values and g the weight: du / dh = g, and
    // dx = (g du - mean(g du) - h mean(g du h)) / deviation. The sums below are a channel's.
    const int64_t width = channels / norm.groups;
    const auto spread = [&](const at::Tensor& group) {  // [B, groups] -> [B, C]
      return group.to(at::kDouble).repeat_interleave(width, 1);
    };
    const at::Tensor mean = spread(saved.mean);
    const at::Tensor inverse = spread(saved.inverse);
    const at::Tensor weight = norm.weight.to(at::kDouble);
    const at::Tensor du = sums.select(1, 0);
    const at::Tensor duh = (sums.select(1, 1) - mean * du) * inverse;
    const auto group_mean = [&](const at::Tensor& channel) {
      return spread(channel.unflatten(1, {norm.groups, width}).sum(-1)) /
             static_cast<double>(width * pixels);
    };
    const at::Tensor of_x = -inverse * inverse * group_mean(weight * duh);
    const at::Tensor constant = -inverse * group_mean(weight * du) - of_x * mean;
    const auto single = [](const at::Tensor& t) { return t.to(at::kFloat).contiguous(); };
    combine(saved, source(x), source(dense), x.size(0), pixels, channels, silu,
            single(inverse * weight), single(of_x), single(constant), target(gradient.dx));
    gradient.dweight = single(duh.sum(0));
    gradient.dbias = single(du.sum(0));
  });
  return gradient;
}

at::Tensor group_norm_silu_forward(const GroupNorm& norm, const at::Tensor& x, NormTape* tape) {
  return forward(norm, x, /*silu=*/true, tape);
}

}  // namespace iclora::vae
