#include "pretrain/muon.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "train/shards.h"

namespace iclora::pretrain {

at::Tensor orthogonalised(const at::Tensor& matrix) {
  // Coefficients of the quintic from kellerjordan.github.io/posts/muon: steepest at zero, so that
  // five steps are enough; singular values end near 1, not at 1.
  constexpr double kA = 3.4445;
  constexpr double kB = -4.7750;
  constexpr double kC = 2.0315;
  constexpr int kSteps = 5;
  const bool tall = matrix.size(0) > matrix.size(1);
  at::Tensor x = (tall ? matrix.t() : matrix).to(at::kFloat).contiguous();
  x = x / x.norm().clamp_min(1e-7);
  for (int i = 0; i < kSteps; ++i) {
    const at::Tensor gram = at::mm(x, x.t());
    x = at::addmm(x, at::addmm(gram, gram, gram, kB, kC), x, kA);
  }
  return tall ? x.t() : x;
}

void muon_step(const std::vector<at::Tensor>& parameters, const std::vector<at::Tensor>& gradients,
               double gradient_scale, double learning_rate, const MuonSettings& settings,
               const std::vector<at::Tensor>& momenta) {
  train::for_shards(
      static_cast<int64_t>(parameters.size()),
      [&](int64_t shard, int64_t) {
        const auto i = static_cast<size_t>(shard);
        const int64_t rows = parameters[i].size(0);
        at::Tensor parameter = parameters[i].view({rows, -1});
        at::Tensor momentum = momenta[i].view({rows, -1});
        const at::Tensor gradient = gradients[i].defined()
                                        ? gradients[i].reshape({rows, -1}) * gradient_scale
                                        : at::zeros_like(parameter);
        momentum.lerp_(gradient, 1 - settings.momentum);
        const at::Tensor update = orthogonalised(gradient.lerp(momentum, settings.momentum));
        const auto longer = static_cast<double>(std::max(parameter.size(0), parameter.size(1)));
        parameter.mul_(1 - learning_rate * settings.weight_decay);
        parameter.add_(update, -learning_rate * 0.2 * std::sqrt(longer));
      },
      [](int64_t, int64_t) {});
}

}  // namespace iclora::pretrain
