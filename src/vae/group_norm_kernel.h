#pragma once
// The loops of a group norm over pixels whose channels lie side by side. `bfloat16` is given as its
// 16 bits.

#include <cstdint>

namespace iclora::vae::kernel {

/// Adds a channel's values and their squares over `pixels` pixels of `channels` channels each.
/// sum, square: fp64 [channels].
void add_moments(const float* x, int64_t pixels, int64_t channels, double* sum, double* square);
void add_moments(const uint16_t* x, int64_t pixels, int64_t channels, double* sum, double* square);

/// y = x * scale + shift a channel, and its SiLU if `silu`; in fp32, rounded once.
void scale_and_shift(const float* x, int64_t pixels, int64_t channels, const float* scale,
                     const float* shift, bool silu, float* y);
void scale_and_shift(const uint16_t* x, int64_t pixels, int64_t channels, const float* scale,
                     const float* shift, bool silu, uint16_t* y);

/// With u = x * scale + shift a channel and du = dy, or dy * silu'(u) if `silu`: adds du and du * x
/// a channel over the pixels. du_sum, dux_sum: [channels].
void add_gradient_sums(const float* x, const float* dy, int64_t pixels, int64_t channels,
                       const float* scale, const float* shift, bool silu, float* du_sum,
                       float* dux_sum);
void add_gradient_sums(const uint16_t* x, const uint16_t* dy, int64_t pixels, int64_t channels,
                       const float* scale, const float* shift, bool silu, float* du_sum,
                       float* dux_sum);

/// dx = of_du * du + of_x * x + constant a channel.
void combine_gradient(const float* x, const float* dy, int64_t pixels, int64_t channels,
                      const float* scale, const float* shift, bool silu, const float* of_du,
                      const float* of_x, const float* constant, float* dx);
void combine_gradient(const uint16_t* x, const uint16_t* dy, int64_t pixels, int64_t channels,
                      const float* scale, const float* shift, bool silu, const float* of_du,
                      const float* of_x, const float* constant, uint16_t* dx);

}  // namespace iclora::vae::kernel
