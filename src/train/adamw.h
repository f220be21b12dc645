#pragma once
// AdamW (Loshchilov and Hutter, arXiv 1711.05101) in fp32, the moving average of what it trains,
// and the norm it clips by. Every result is the same on any number of threads.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace iclora::train {

struct AdamWSettings {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 1e-4;  ///< decoupled: parameters shrink by learning_rate * weight_decay
};

/// First and second moments, one pair a tensor; zero before the first step.
struct AdamWState {
  int64_t steps = 0;  ///< taken so far: the bias correction's exponent
  std::vector<at::Tensor> mean;
  std::vector<at::Tensor> square;
};
AdamWState adamw_state(const std::vector<at::Tensor>& parameters);

/// One step in place. gradients[i] may be undefined: zero. `gradient_scale` multiplies them all
/// (clipping, the mean over micro-batches).
void adamw_step(const std::vector<at::Tensor>& parameters, const std::vector<at::Tensor>& gradients,
                double gradient_scale, double learning_rate, const AdamWSettings& settings,
                AdamWState& state);

/// average = decay * average + (1 - decay) * value, in place.
void ema_step(const std::vector<at::Tensor>& averages, const std::vector<at::Tensor>& values,
              double decay);

/// 2-norm over all gradients together, in fp64; undefined ones are zero.
double global_norm(const std::vector<at::Tensor>& gradients);

}  // namespace iclora::train
