#include "nn/row_kernels.h"

#include <cmath>

#include "nn/wide.h"

namespace iclora::nn::kernel {
namespace {

template <typename T>
ICLORA_INLINE void norm_modulate(const T* x, const float* shift, const float* scale, int64_t first,
                                 int64_t last, int64_t width, int64_t group, float eps, T* y,
                                 float* mean, float* rstd) {
  const float share = 1.0F / static_cast<float>(width);
  for (int64_t r = first; r < last; ++r) {
    const T* __restrict in = x + r * width;
    T* __restrict out = y + r * width;
    const float* __restrict a = scale + r / group * width;
    const float* __restrict b = shift + r / group * width;
    const float m = share * lane_sum(width, [&](int64_t i) { return widen(in[i]); });
    const float variance = share * lane_sum(width, [&](int64_t i) {
                             const float d = widen(in[i]) - m;
                             return d * d;
                           });
    const float inverse = 1.0F / std::sqrt(variance + eps);
    mean[r] = m;
    rstd[r] = inverse;
    for (int64_t i = 0; i < width; ++i) {
      narrow((widen(in[i]) - m) * inverse * (1.0F + a[i]) + b[i], out[i]);
    }
  }
}

template <typename T>
ICLORA_INLINE void norm_modulate_backward(const T* dy, const T* x, const float* mean,
                                          const float* rstd, const float* scale, int64_t first,
                                          int64_t last, int64_t width, int64_t group, T* dx,
                                          float* dshift, float* dscale) {
  const float share = 1.0F / static_cast<float>(width);
  for (int64_t r = first; r < last; ++r) {
    const T* __restrict in = x + r * width;
    const T* __restrict g = dy + r * width;
    T* __restrict out = dx + r * width;
    const float* __restrict a = scale + r / group * width;
    float* __restrict da = dscale + r / group * width;
    float* __restrict db = dshift + r / group * width;
    const float m = mean[r];
    const float inverse = rstd[r];
    for (int64_t i = 0; i < width; ++i) {
      const float v = widen(g[i]);
      db[i] += v;
      da[i] += v * ((widen(in[i]) - m) * inverse);
    }
    // With n the normalised row and h = dy (1 + scale): dx = rstd (h - mean(h) - n mean(h n)).
    const float flat =
        share * lane_sum(width, [&](int64_t i) { return widen(g[i]) * (1.0F + a[i]); });
    const float slope = share * lane_sum(width, [&](int64_t i) {
                          return widen(g[i]) * (1.0F + a[i]) * ((widen(in[i]) - m) * inverse);
                        });
    for (int64_t i = 0; i < width; ++i) {
      const float n = (widen(in[i]) - m) * inverse;
      narrow((widen(g[i]) * (1.0F + a[i]) - flat - n * slope) * inverse, out[i]);
    }
  }
}

template <typename T>
ICLORA_INLINE void rms(const T* x, const T* weight, int64_t first, int64_t last, int64_t width,
                       float eps, T* y, float* inverse) {
  const float share = 1.0F / static_cast<float>(width);
  for (int64_t r = first; r < last; ++r) {
    const T* __restrict in = x + r * width;
    T* __restrict out = y + r * width;
    const float square = share * lane_sum(width, [&](int64_t i) {
                           const float v = widen(in[i]);
                           return v * v;
                         });
    const float scale = 1.0F / std::sqrt(square + eps);
    inverse[r] = scale;
    for (int64_t i = 0; i < width; ++i) {
      narrow(widen(in[i]) * scale * widen(weight[i]), out[i]);
    }
  }
}

template <typename T>
ICLORA_INLINE void rms_backward(const T* dy, const T* x, const T* weight, const float* inverse,
                                int64_t first, int64_t last, int64_t width, T* dx, float* dweight) {
  const float share = 1.0F / static_cast<float>(width);
  for (int64_t r = first; r < last; ++r) {
    const T* __restrict in = x + r * width;
    const T* __restrict g = dy + r * width;
    T* __restrict out = dx + r * width;
    const float scale = inverse[r];
    if (dweight != nullptr) {
      for (int64_t i = 0; i < width; ++i) dweight[i] += widen(g[i]) * (widen(in[i]) * scale);
    }
    const float slope = share * lane_sum(width, [&](int64_t i) {
                          return widen(g[i]) * widen(weight[i]) * (widen(in[i]) * scale);
                        });
    for (int64_t i = 0; i < width; ++i) {
      const float n = widen(in[i]) * scale;
      narrow((widen(g[i]) * widen(weight[i]) - n * slope) * scale, out[i]);
    }
  }
}

template <typename T>
ICLORA_INLINE void turn(const T* __restrict x, const float* __restrict cos,
                        const float* __restrict sin, float sign, int64_t width, T* __restrict y) {
  for (int64_t j = 0; j < width / 2; ++j) {
    const float even = widen(x[2 * j]);
    const float odd = widen(x[2 * j + 1]);
    const float s = sign * sin[j];
    narrow(even * cos[j] - odd * s, y[2 * j]);
    narrow(odd * cos[j] + even * s, y[2 * j + 1]);
  }
}

template <typename T>
ICLORA_INLINE void gate_in(const T* x, const float* gate, const T* y, int64_t first, int64_t last,
                           int64_t width, int64_t group, T* out) {
  for (int64_t r = first; r < last; ++r) {
    const T* __restrict a = x + r * width;
    const T* __restrict b = y + r * width;
    const float* __restrict g = gate + r / group * width;
    T* __restrict o = out + r * width;
    for (int64_t i = 0; i < width; ++i) narrow(widen(a[i]) + g[i] * widen(b[i]), o[i]);
  }
}

template <typename T>
ICLORA_INLINE void gate_in_backward(const float* gate, const T* y, const T* dout, int64_t first,
                                    int64_t last, int64_t width, int64_t group, T* dy,
                                    float* dgate) {
  for (int64_t r = first; r < last; ++r) {
    const T* __restrict b = y + r * width;
    const T* __restrict d = dout + r * width;
    const float* __restrict g = gate + r / group * width;
    float* __restrict dg = dgate + r / group * width;
    T* __restrict o = dy + r * width;
    for (int64_t i = 0; i < width; ++i) {
      const float v = widen(d[i]);
      dg[i] += v * widen(b[i]);
      narrow(v * g[i], o[i]);
    }
  }
}

template <typename T>
ICLORA_INLINE void attend_backward(const float* __restrict scores, const float* __restrict dweights,
                                   float scale, float logsumexp, float dot, int64_t width,
                                   T* __restrict weights, T* __restrict dscores) {
  for (int64_t i = 0; i < width; ++i) {
    const float weight = exponential(scale * scores[i] - logsumexp);
    narrow(weight, weights[i]);
    narrow(scale * weight * (dweights[i] - dot), dscores[i]);
  }
}

template <typename T>
ICLORA_INLINE void dots(const float* x, const T* rows, int64_t stride, int64_t count, int64_t width,
                        float scale, float* sums) {
  for (int64_t r = 0; r < count; ++r) {
    const T* __restrict row = rows + r * stride;
    sums[r] += scale * lane_sum(width, [&](int64_t i) { return x[i] * widen(row[i]); });
  }
}

template <typename T>
ICLORA_INLINE void gelu(const T* __restrict x, int64_t count, T* __restrict y) {
  for (int64_t i = 0; i < count; ++i) narrow(gelu_of(widen(x[i])), y[i]);
}

template <typename T>
ICLORA_INLINE void gelu_backward(const T* __restrict x, const T* __restrict dy, int64_t count,
                                 T* __restrict dx) {
  for (int64_t i = 0; i < count; ++i) narrow(widen(dy[i]) * gelu_slope_of(widen(x[i])), dx[i]);
}

template <typename T>
ICLORA_INLINE float dot(const T* a, const T* b, int64_t width) {
  return lane_sum(width, [&](int64_t i) { return widen(a[i]) * widen(b[i]); });
}

}  // namespace

ICLORA_WIDE void layer_norm_modulate(const float* x, const float* shift, const float* scale,
                                     int64_t first, int64_t last, int64_t width, int64_t group,
                                     float eps, float* y, float* mean, float* rstd) {
  norm_modulate(x, shift, scale, first, last, width, group, eps, y, mean, rstd);
}

ICLORA_WIDE void layer_norm_modulate(const uint16_t* x, const float* shift, const float* scale,
                                     int64_t first, int64_t last, int64_t width, int64_t group,
                                     float eps, uint16_t* y, float* mean, float* rstd) {
  norm_modulate(x, shift, scale, first, last, width, group, eps, y, mean, rstd);
}

ICLORA_WIDE void layer_norm_modulate_backward(const float* dy, const float* x, const float* mean,
                                              const float* rstd, const float* scale, int64_t first,
                                              int64_t last, int64_t width, int64_t group, float* dx,
                                              float* dshift, float* dscale) {
  norm_modulate_backward(dy, x, mean, rstd, scale, first, last, width, group, dx, dshift, dscale);
}

ICLORA_WIDE void layer_norm_modulate_backward(const uint16_t* dy, const uint16_t* x,
                                              const float* mean, const float* rstd,
                                              const float* scale, int64_t first, int64_t last,
                                              int64_t width, int64_t group, uint16_t* dx,
                                              float* dshift, float* dscale) {
  norm_modulate_backward(dy, x, mean, rstd, scale, first, last, width, group, dx, dshift, dscale);
}

ICLORA_WIDE void rms_norm(const float* x, const float* weight, int64_t first, int64_t last,
                          int64_t width, float eps, float* y, float* inverse) {
  rms(x, weight, first, last, width, eps, y, inverse);
}

ICLORA_WIDE void rms_norm(const uint16_t* x, const uint16_t* weight, int64_t first, int64_t last,
                          int64_t width, float eps, uint16_t* y, float* inverse) {
  rms(x, weight, first, last, width, eps, y, inverse);
}

ICLORA_WIDE void rms_norm_backward(const float* dy, const float* x, const float* weight,
                                   const float* inverse, int64_t first, int64_t last, int64_t width,
                                   float* dx, float* dweight) {
  rms_backward(dy, x, weight, inverse, first, last, width, dx, dweight);
}

ICLORA_WIDE void rms_norm_backward(const uint16_t* dy, const uint16_t* x, const uint16_t* weight,
                                   const float* inverse, int64_t first, int64_t last, int64_t width,
                                   uint16_t* dx, float* dweight) {
  rms_backward(dy, x, weight, inverse, first, last, width, dx, dweight);
}

ICLORA_WIDE void rope_row(const float* x, const float* cos, const float* sin, float sign,
                          int64_t width, float* y) {
  turn(x, cos, sin, sign, width, y);
}

ICLORA_WIDE void rope_row(const uint16_t* x, const float* cos, const float* sin, float sign,
                          int64_t width, uint16_t* y) {
  turn(x, cos, sin, sign, width, y);
}

ICLORA_WIDE void gated_residual(const float* x, const float* gate, const float* y, int64_t first,
                                int64_t last, int64_t width, int64_t group, float* out) {
  gate_in(x, gate, y, first, last, width, group, out);
}

ICLORA_WIDE void gated_residual(const uint16_t* x, const float* gate, const uint16_t* y,
                                int64_t first, int64_t last, int64_t width, int64_t group,
                                uint16_t* out) {
  gate_in(x, gate, y, first, last, width, group, out);
}

ICLORA_WIDE void gated_residual_backward(const float* gate, const float* y, const float* dout,
                                         int64_t first, int64_t last, int64_t width, int64_t group,
                                         float* dy, float* dgate) {
  gate_in_backward(gate, y, dout, first, last, width, group, dy, dgate);
}

ICLORA_WIDE void gated_residual_backward(const float* gate, const uint16_t* y, const uint16_t* dout,
                                         int64_t first, int64_t last, int64_t width, int64_t group,
                                         uint16_t* dy, float* dgate) {
  gate_in_backward(gate, y, dout, first, last, width, group, dy, dgate);
}

ICLORA_WIDE void attention_row_backward(const float* scores, const float* dweights, float scale,
                                        float logsumexp, float dot, int64_t width, float* weights,
                                        float* dscores) {
  attend_backward(scores, dweights, scale, logsumexp, dot, width, weights, dscores);
}

ICLORA_WIDE void attention_row_backward(const float* scores, const float* dweights, float scale,
                                        float logsumexp, float dot, int64_t width,
                                        uint16_t* weights, uint16_t* dscores) {
  attend_backward(scores, dweights, scale, logsumexp, dot, width, weights, dscores);
}

ICLORA_WIDE float dot_row(const float* a, const float* b, int64_t width) {
  return dot(a, b, width);
}

ICLORA_WIDE float dot_row(const uint16_t* a, const uint16_t* b, int64_t width) {
  return dot(a, b, width);
}

ICLORA_WIDE void add_dots(const float* x, const float* rows, int64_t stride, int64_t count,
                          int64_t width, float scale, float* sums) {
  dots(x, rows, stride, count, width, scale, sums);
}

ICLORA_WIDE void add_dots(const float* x, const uint16_t* rows, int64_t stride, int64_t count,
                          int64_t width, float scale, float* sums) {
  dots(x, rows, stride, count, width, scale, sums);
}

ICLORA_WIDE void widen_rows(const uint16_t* x, int64_t stride, int64_t rows, int64_t width,
                            float* y) {
  for (int64_t r = 0; r < rows; ++r) {
    const uint16_t* __restrict from = x + r * stride;
    float* __restrict to = y + r * width;
    for (int64_t i = 0; i < width; ++i) to[i] = widen(from[i]);
  }
}

ICLORA_WIDE void round_rows(const float* x, const float* bias, int64_t rows, int64_t width,
                            uint16_t* y, int64_t stride) {
  for (int64_t r = 0; r < rows; ++r) {
    const float* __restrict from = x + r * width;
    uint16_t* __restrict to = y + r * stride;
    if (bias != nullptr) {
      for (int64_t i = 0; i < width; ++i) narrow(from[i] + bias[i], to[i]);
    } else {
      for (int64_t i = 0; i < width; ++i) narrow(from[i], to[i]);
    }
  }
}

ICLORA_WIDE void gelu_tanh(const float* x, int64_t count, float* y) {
  gelu(x, count, y);
}

ICLORA_WIDE void gelu_tanh(const uint16_t* x, int64_t count, uint16_t* y) {
  gelu(x, count, y);
}

ICLORA_WIDE void gelu_tanh_backward(const float* x, const float* dy, int64_t count, float* dx) {
  gelu_backward(x, dy, count, dx);
}

ICLORA_WIDE void gelu_tanh_backward(const uint16_t* x, const uint16_t* dy, int64_t count,
                                    uint16_t* dx) {
  gelu_backward(x, dy, count, dx);
}

}  // namespace iclora::nn::kernel
