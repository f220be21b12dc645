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

}  // namespace iclora::vae::kernel
