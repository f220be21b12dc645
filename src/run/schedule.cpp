#include "run/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace iclora::run {

double learning_rate(const TrainConfig& train, int64_t step) {
  if (step < train.warmup) {
    return train.learning_rate * static_cast<double>(step + 1) / static_cast<double>(train.warmup);
  }
  const auto remaining = static_cast<double>(std::max<int64_t>(1, train.steps - train.warmup));
  const double done = std::min(1.0, static_cast<double>(step - train.warmup) / remaining);
  switch (train.schedule) {
    case Schedule::constant:
      return train.learning_rate;
    case Schedule::linear:
      return train.learning_rate * (1 - done);
    case Schedule::cosine:
      return train.learning_rate * 0.5 * (1 + std::cos(std::numbers::pi * done));
  }
  return train.learning_rate;
}

}  // namespace iclora::run
