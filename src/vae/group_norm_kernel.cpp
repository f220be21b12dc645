#include "vae/group_norm_kernel.h"

#include <bit>

// The same loops for several widths of vector registers; the loader picks what the processor has.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__)
#define ICLORA_WIDE __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define ICLORA_WIDE
#endif

namespace iclora::vae::kernel {
namespace {

inline float widen(float x) {
  return x;
}
inline float widen(uint16_t x) {
  return std::bit_cast<float>(static_cast<uint32_t>(x) << 16);
}

inline void narrow(float x, float& out) {
  out = x;
}
/// To the nearest, ties to even; what is not a number stays so.
inline void narrow(float x, uint16_t& out) {
  const auto bits = std::bit_cast<uint32_t>(x);
  const uint32_t rounded = (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
  out = static_cast<uint16_t>(x != x ? 0x7fc0U : rounded);
}

/// e^x for x in -87..88, within 2 units in the last place: e^x = 2^n e^r with |r| <= ln(2) / 2, and
/// e^r by the polynomial of Cephes' expf (Moshier, netlib.org/cephes).
inline float exponential(float x) {
  x = x < -87.0F ? -87.0F : x;
  x = x > 88.0F ? 88.0F : x;
  // Adding 1.5 * 2^23 rounds to an integer, which then stands in the low bits.
  const float shifted = x * 1.44269504F + 12582912.0F;
  const float n = shifted - 12582912.0F;
  const float r = (x - n * 0.693359375F) + n * 2.12194440e-4F;
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r * r + r + 1.0F;
  const uint32_t exponent = std::bit_cast<uint32_t>(shifted) << 23;
  return std::bit_cast<float>(std::bit_cast<uint32_t>(p) + exponent);
}

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
