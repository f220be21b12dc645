#include "vae/group_norm_kernel.h"

#include "nn/wide.h"

namespace iclora::vae::kernel {
namespace {

using nn::exponential;
using nn::narrow;
using nn::widen;

template <typename T>
inline void moments(const T* __restrict x, int64_t pixels, int64_t channels, double* __restrict sum,
                    double* __restrict square) {
  for (int64_t pixel = 0; pixel < pixels; ++pixel) {
    const T* row = x + pixel * channels;
    for (int64_t c = 0; c < channels; ++c) {
      const double value = widen(row[c]);
      sum[c] += value;
      square[c] += value * value;
    }
  }
}

template <bool silu, typename T>
inline void apply(const T* __restrict x, int64_t pixels, int64_t channels,
                  const float* __restrict scale, const float* __restrict shift, T* __restrict y) {
  for (int64_t pixel = 0; pixel < pixels; ++pixel) {
    const T* in = x + pixel * channels;
    T* out = y + pixel * channels;
    for (int64_t c = 0; c < channels; ++c) {
      const float value = widen(in[c]) * scale[c] + shift[c];
      if constexpr (silu) {
        narrow(value / (1.0F + exponential(-value)), out[c]);
      } else {
        narrow(value, out[c]);
      }
    }
  }
}

/// dy * silu'(u): silu'(u) = s (1 + u (1 - s)) with s = sigmoid(u).
template <bool silu, typename T>
ICLORA_INLINE float gradient_before(T x, T dy, float scale, float shift) {
  if constexpr (!silu) return widen(dy);
  const float u = widen(x) * scale + shift;
  const float s = 1.0F / (1.0F + exponential(-u));
  return widen(dy) * s * (1.0F + u * (1.0F - s));
}

template <bool silu, typename T>
ICLORA_INLINE void gradient_sums(const T* __restrict x, const T* __restrict dy, int64_t pixels,
                                 int64_t channels, const float* __restrict scale,
                                 const float* __restrict shift, float* __restrict du_sum,
                                 float* __restrict dux_sum) {
  for (int64_t pixel = 0; pixel < pixels; ++pixel) {
    const T* in = x + pixel * channels;
    const T* gradient = dy + pixel * channels;
    for (int64_t c = 0; c < channels; ++c) {
      const float du = gradient_before<silu>(in[c], gradient[c], scale[c], shift[c]);
      du_sum[c] += du;
      dux_sum[c] += du * widen(in[c]);
    }
  }
}

template <bool silu, typename T>
ICLORA_INLINE void combine(const T* __restrict x, const T* __restrict dy, int64_t pixels,
                           int64_t channels, const float* __restrict scale,
                           const float* __restrict shift, const float* __restrict of_du,
                           const float* __restrict of_x, const float* __restrict constant,
                           T* __restrict dx) {
  for (int64_t pixel = 0; pixel < pixels; ++pixel) {
    const T* in = x + pixel * channels;
    const T* gradient = dy + pixel * channels;
    T* out = dx + pixel * channels;
    for (int64_t c = 0; c < channels; ++c) {
      const float du = gradient_before<silu>(in[c], gradient[c], scale[c], shift[c]);
      narrow(of_du[c] * du + of_x[c] * widen(in[c]) + constant[c], out[c]);
    }
  }
}

}  // namespace

ICLORA_WIDE void add_moments(const float* x, int64_t pixels, int64_t channels, double* sum,
                             double* square) {
  moments(x, pixels, channels, sum, square);
}

ICLORA_WIDE void add_moments(const uint16_t* x, int64_t pixels, int64_t channels, double* sum,
                             double* square) {
  moments(x, pixels, channels, sum, square);
}

ICLORA_WIDE void scale_and_shift(const float* x, int64_t pixels, int64_t channels,
                                 const float* scale, const float* shift, bool silu, float* y) {
  silu ? apply<true>(x, pixels, channels, scale, shift, y)
       : apply<false>(x, pixels, channels, scale, shift, y);
}

ICLORA_WIDE void scale_and_shift(const uint16_t* x, int64_t pixels, int64_t channels,
                                 const float* scale, const float* shift, bool silu, uint16_t* y) {
  silu ? apply<true>(x, pixels, channels, scale, shift, y)
       : apply<false>(x, pixels, channels, scale, shift, y);
}

ICLORA_WIDE void add_gradient_sums(const float* x, const float* dy, int64_t pixels,
                                   int64_t channels, const float* scale, const float* shift,
                                   bool silu, float* du_sum, float* dux_sum) {
  silu ? gradient_sums<true>(x, dy, pixels, channels, scale, shift, du_sum, dux_sum)
       : gradient_sums<false>(x, dy, pixels, channels, scale, shift, du_sum, dux_sum);
}

ICLORA_WIDE void combine_gradient(const float* x, const float* dy, int64_t pixels, int64_t channels,
                                  const float* scale, const float* shift, bool silu,
                                  const float* of_du, const float* of_x, const float* constant,
                                  float* dx) {
  silu ? combine<true>(x, dy, pixels, channels, scale, shift, of_du, of_x, constant, dx)
       : combine<false>(x, dy, pixels, channels, scale, shift, of_du, of_x, constant, dx);
}

ICLORA_WIDE void add_gradient_sums(const uint16_t* x, const uint16_t* dy, int64_t pixels,
                                   int64_t channels, const float* scale, const float* shift,
                                   bool silu, float* du_sum, float* dux_sum) {
  silu ? gradient_sums<true>(x, dy, pixels, channels, scale, shift, du_sum, dux_sum)
       : gradient_sums<false>(x, dy, pixels, channels, scale, shift, du_sum, dux_sum);
}

ICLORA_WIDE void combine_gradient(const uint16_t* x, const uint16_t* dy, int64_t pixels,
                                  int64_t channels, const float* scale, const float* shift,
                                  bool silu, const float* of_du, const float* of_x,
                                  const float* constant, uint16_t* dx) {
  silu ? combine<true>(x, dy, pixels, channels, scale, shift, of_du, of_x, constant, dx)
       : combine<false>(x, dy, pixels, channels, scale, shift, of_du, of_x, constant, dx);
}

}  // namespace iclora::vae::kernel
