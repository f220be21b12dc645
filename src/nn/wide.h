#pragma once
// What loops over rows of fp32 or bf16 share. `bfloat16` is given as its 16 bits; arithmetic is
// fp32.

#include <bit>
#include <cstdint>

// The same loops for several widths of vector registers; the loader picks what the processor has.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__)
#define ICLORA_WIDE __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define ICLORA_WIDE
#endif

// Loops are written once as templates and must melt into the function that has the wide registers.
#define ICLORA_INLINE inline __attribute__((always_inline))

namespace iclora::nn {

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

/// The logistic function of 2 sqrt(2/pi) (x + 0.044715 x^3): GELU in its tanh form is x times it
/// (Hendrycks and Gimpel, arXiv 1606.08415; tanh z = 2 logistic(2z) - 1).
inline float gelu_share(float x) {
  const float z = 1.595769122F * (x + 0.044715F * x * x * x);
  // Below, what is left is 1e-26 of x; products with less could be denormal, which is slow.
  return 1.0F / (1.0F + exponential(z < -60.0F ? 60.0F : -z));
}

inline float gelu_of(float x) {
  return x * gelu_share(x);
}

/// The derivative of gelu_of at x.
inline float gelu_slope_of(float x) {
  const float share = gelu_share(x);
  return share + x * share * (1.0F - share) * 1.595769122F * (1.0F + 3.0F * 0.044715F * x * x);
}

/// Sixteen sums side by side, so that a row's sum can use vector registers; the order of additions
/// depends on the row's length alone.
struct Lanes {
  static constexpr int64_t kCount = 16;
  float sum[kCount] = {};

  float total() const {
    float folded[kCount];
    for (int64_t i = 0; i < kCount; ++i) folded[i] = sum[i];
    for (int64_t half = kCount / 2; half > 0; half /= 2) {
      for (int64_t i = 0; i < half; ++i) folded[i] += folded[i + half];
    }
    return folded[0];
  }
};

/// Adds value(i) for i from 0 to count - 1.
template <typename F>
ICLORA_INLINE float lane_sum(int64_t count, const F& value) {
  Lanes lanes;
  int64_t i = 0;
  for (; i + Lanes::kCount <= count; i += Lanes::kCount) {
    for (int64_t lane = 0; lane < Lanes::kCount; ++lane) lanes.sum[lane] += value(i + lane);
  }
  for (int64_t lane = 0; i < count; ++i, ++lane) lanes.sum[lane] += value(i);
  return lanes.total();
}

}  // namespace iclora::nn
