#pragma once
// The loops of nn's normalisations, rotations and gates on the processor: one pass over each row
// where tensor operators would take a dozen. `bfloat16` is given as its 16 bits. Rows lie one after
// the other, `width` elements each.

#include <cstdint>

namespace iclora::nn::kernel {

/// Rows first to last - 1 of y = (x - mean) * rstd * (1 + scale) + shift. Row r meets row r / group
/// of shift and scale [rows / group, width]. Writes each row's mean and rstd.
void layer_norm_modulate(const float* x, const float* shift, const float* scale, int64_t first,
                         int64_t last, int64_t width, int64_t group, float eps, float* y,
                         float* mean, float* rstd);
void layer_norm_modulate(const uint16_t* x, const float* shift, const float* scale, int64_t first,
                         int64_t last, int64_t width, int64_t group, float eps, uint16_t* y,
                         float* mean, float* rstd);

/// The way back for the rows first to last - 1, which must be whole groups: dx, and dshift and
/// dscale [rows / group, width], to which is added.
void layer_norm_modulate_backward(const float* dy, const float* x, const float* mean,
                                  const float* rstd, const float* scale, int64_t first,
                                  int64_t last, int64_t width, int64_t group, float* dx,
                                  float* dshift, float* dscale);
void layer_norm_modulate_backward(const uint16_t* dy, const uint16_t* x, const float* mean,
                                  const float* rstd, const float* scale, int64_t first,
                                  int64_t last, int64_t width, int64_t group, uint16_t* dx,
                                  float* dshift, float* dscale);

/// y = x * inverse * weight, inverse = 1 / sqrt(mean(x^2) + eps), which is kept a row.
void rms_norm(const float* x, const float* weight, int64_t first, int64_t last, int64_t width,
              float eps, float* y, float* inverse);
void rms_norm(const uint16_t* x, const uint16_t* weight, int64_t first, int64_t last, int64_t width,
              float eps, uint16_t* y, float* inverse);

/// dx; adds to dweight [width] unless that is null.
void rms_norm_backward(const float* dy, const float* x, const float* weight, const float* inverse,
                       int64_t first, int64_t last, int64_t width, float* dx, float* dweight);
void rms_norm_backward(const uint16_t* dy, const uint16_t* x, const uint16_t* weight,
                       const float* inverse, int64_t first, int64_t last, int64_t width,
                       uint16_t* dx, float* dweight);

/// y = x with each pair of neighbours turned by (cos, sin)[width / 2], sin times `sign`.
void rope_row(const float* x, const float* cos, const float* sin, float sign, int64_t width,
              float* y);
void rope_row(const uint16_t* x, const float* cos, const float* sin, float sign, int64_t width,
              uint16_t* y);

/// out = x + gate * y; row r meets row r / group of the gate.
void gated_residual(const float* x, const float* gate, const float* y, int64_t first, int64_t last,
                    int64_t width, int64_t group, float* out);
void gated_residual(const uint16_t* x, const float* gate, const uint16_t* y, int64_t first,
                    int64_t last, int64_t width, int64_t group, uint16_t* out);

/// dy = dout * gate; adds dout * y to dgate [rows / group, width]. Whole groups of rows.
void gated_residual_backward(const float* gate, const float* y, const float* dout, int64_t first,
                             int64_t last, int64_t width, int64_t group, float* dy, float* dgate);
void gated_residual_backward(const float* gate, const uint16_t* y, const uint16_t* dout,
                             int64_t first, int64_t last, int64_t width, int64_t group,
                             uint16_t* dy, float* dgate);

/// One row of attention on the way back. scores: q k^T, dweights: dout v^T, both fp32; logsumexp
/// and dot (of the row's result and its gradient) are the row's. weights = e^(scale scores -
/// logsumexp) and dscores = scale weights (dweights - dot).
void attention_row_backward(const float* scores, const float* dweights, float scale,
                            float logsumexp, float dot, int64_t width, float* weights,
                            float* dscores);
void attention_row_backward(const float* scores, const float* dweights, float scale,
                            float logsumexp, float dot, int64_t width, uint16_t* weights,
                            uint16_t* dscores);

/// The sum of a * b.
float dot_row(const float* a, const float* b, int64_t width);
float dot_row(const uint16_t* a, const uint16_t* b, int64_t width);

/// sums[r] += scale * x . rows[r] for `count` rows that stand `stride` apart.
void add_dots(const float* x, const float* rows, int64_t stride, int64_t count, int64_t width,
              float scale, float* sums);
void add_dots(const float* x, const uint16_t* rows, int64_t stride, int64_t count, int64_t width,
              float scale, float* sums);

/// y = x in fp32; x's rows stand `stride` apart, y's `width`.
void widen_rows(const uint16_t* x, int64_t stride, int64_t rows, int64_t width, float* y);
/// y = x + bias in bf16, rounded once; x's rows stand `width` apart, y's `stride`; bias may be
/// null.
void round_rows(const float* x, const float* bias, int64_t rows, int64_t width, uint16_t* y,
                int64_t stride);

/// GELU in its tanh form, and dx = dy times its derivative at x.
void gelu_tanh(const float* x, int64_t count, float* y);
void gelu_tanh(const uint16_t* x, int64_t count, uint16_t* y);
void gelu_tanh_backward(const float* x, const float* dy, int64_t count, float* dx);
void gelu_tanh_backward(const uint16_t* x, const uint16_t* dy, int64_t count, uint16_t* dx);

}  // namespace iclora::nn::kernel
