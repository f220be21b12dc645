#include "train/adamw.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <cmath>

namespace iclora::train {
namespace {

// Work is cut into pieces of this many elements whatever the thread count, so that every element
// meets the same instructions and every partial sum the same elements.
constexpr int64_t kPiece = 16384;

/// Calls f(begin, end) for the pieces of [0, count), on all threads.
template <typename F>
void for_pieces(int64_t count, const F& f) {
  const int64_t pieces = (count + kPiece - 1) / kPiece;
  at::parallel_for(0, pieces, 1, [&](int64_t first, int64_t last) {
    for (int64_t piece = first; piece < last; ++piece) {
      f(piece * kPiece, std::min(count, (piece + 1) * kPiece));
    }
  });
}

/// The constants of one step.
struct Step {
  float decay;  ///< 1 - learning_rate * weight_decay
  float beta1, beta2;
  float rate;  ///< learning_rate / (1 - beta1^t)
  float root;  ///< 1 / sqrt(1 - beta2^t)
  float eps;
  float scale;  ///< of the gradient
};

void update_piece(const Step& step, const float* __restrict gradient, float* __restrict parameter,
                  float* __restrict mean, float* __restrict square, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    const float g = gradient[i] * step.scale;
    const float m = step.beta1 * mean[i] + (1.0F - step.beta1) * g;
    const float v = step.beta2 * square[i] + (1.0F - step.beta2) * g * g;
    mean[i] = m;
    square[i] = v;
    parameter[i] =
        parameter[i] * step.decay - step.rate * m / (std::sqrt(v) * step.root + step.eps);
  }
}

}  // namespace

AdamWState adamw_state(const std::vector<at::Tensor>& parameters) {
  AdamWState state;
  for (const at::Tensor& parameter : parameters) {
    state.mean.push_back(at::zeros_like(parameter));
    state.square.push_back(at::zeros_like(parameter));
  }
  return state;
}

void adamw_step(const std::vector<at::Tensor>& parameters, const std::vector<at::Tensor>& gradients,
                double gradient_scale, double learning_rate, const AdamWSettings& settings,
                AdamWState& state) {
  ++state.steps;
  const auto t = static_cast<double>(state.steps);
  Step step{};
  step.decay = static_cast<float>(1.0 - learning_rate * settings.weight_decay);
  step.beta1 = static_cast<float>(settings.beta1);
  step.beta2 = static_cast<float>(settings.beta2);
  step.rate = static_cast<float>(learning_rate / (1.0 - std::pow(settings.beta1, t)));
  step.root = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(settings.beta2, t)));
  step.eps = static_cast<float>(settings.eps);
  step.scale = static_cast<float>(gradient_scale);
  for (size_t i = 0; i < parameters.size(); ++i) {
    const at::Tensor gradient =
        gradients[i].defined() ? gradients[i].contiguous() : at::zeros_like(parameters[i]);
    const float* g = gradient.const_data_ptr<float>();
    auto* p = parameters[i].mutable_data_ptr<float>();
    auto* m = state.mean[i].mutable_data_ptr<float>();
    auto* v = state.square[i].mutable_data_ptr<float>();
    for_pieces(parameters[i].numel(),
               [&](int64_t begin, int64_t end) { update_piece(step, g, p, m, v, begin, end); });
  }
}

void ema_step(const std::vector<at::Tensor>& averages, const std::vector<at::Tensor>& values,
              double decay) {
  const auto keep = static_cast<float>(decay);
  const auto take = static_cast<float>(1.0 - decay);
  for (size_t i = 0; i < averages.size(); ++i) {
    auto* average = averages[i].mutable_data_ptr<float>();
    const float* value = values[i].const_data_ptr<float>();
    for_pieces(averages[i].numel(), [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k) average[k] = keep * average[k] + take * value[k];
    });
  }
}

double global_norm(const std::vector<at::Tensor>& gradients) {
  double total = 0;
  for (const at::Tensor& gradient : gradients) {
    if (!gradient.defined()) continue;
    const at::Tensor dense = gradient.contiguous();
    const float* g = dense.const_data_ptr<float>();
    std::vector<double> sums(static_cast<size_t>((dense.numel() + kPiece - 1) / kPiece));
    for_pieces(dense.numel(), [&](int64_t begin, int64_t end) {
      double sum = 0;
      for (int64_t i = begin; i < end; ++i) sum += static_cast<double>(g[i]) * g[i];
      sums[static_cast<size_t>(begin / kPiece)] = sum;
    });
    for (const double sum : sums) total += sum;
  }
  return std::sqrt(total);
}

}  // namespace iclora::train
