#include "train/draws.h"

#include <ATen/ATen.h>

#include <cmath>
#include <numeric>

#include "core/error.h"
#include "core/philox.h"

namespace iclora::train {
namespace {

// One sample's elements lie in a range of their own.
constexpr int kElementBits = 40;

uint64_t first_of(const Place& place) {
  return static_cast<uint64_t>(place.position) << kElementBits;
}

Random random(const Place& place, Stream stream) {
  return Random(place.seed, stream, static_cast<uint64_t>(place.step));
}

}  // namespace

at::Tensor draw_noise(const Place& place, int64_t channels, int64_t h, int64_t w) {
  at::Tensor noise = at::empty({channels, h, w}, at::kFloat);
  random(place, Stream::training_noise)
      .fill_normal({noise.mutable_data_ptr<float>(), static_cast<size_t>(noise.numel())},
                   first_of(place));
  return noise;
}

float draw_timestep(const Place& place, const run::TimestepConfig& settings) {
  const Random draws = random(place, Stream::timestep);
  double t = 0;
  if (settings.sampling == run::TimestepSampling::logit_normal) {
    const double x = settings.mean + settings.std * draws.normal(first_of(place));
    t = 1.0 / (1.0 + std::exp(-x));
  } else {
    t = draws.uniform(first_of(place));
  }
  return static_cast<float>(settings.shift * t / (1.0 + (settings.shift - 1.0) * t));
}

bool draw_caption_dropout(const Place& place, double share) {
  return random(place, Stream::caption_dropout).uniform(first_of(place)) < share;
}

std::vector<int64_t> draw_given(const Place& place, double share, int64_t panels) {
  std::vector<int64_t> given;
  if (panels < 2) return given;
  const Random draws = random(place, Stream::conditional);
  uint64_t index = first_of(place);
  if (draws.uniform(index) >= share) return given;
  const auto count = static_cast<uint64_t>(panels);
  // Every proper subset but the empty one is equally likely: a coin a panel, thrown again where
  // none or all would be given.
  for (++index; given.empty() || given.size() == count; index += count) {
    given.clear();
    for (uint64_t panel = 0; panel < count; ++panel) {
      if ((draws.bits(index + panel) & 1U) != 0) given.push_back(static_cast<int64_t>(panel) + 1);
    }
  }
  return given;
}

bool draw_given_silent(const Place& place, double share) {
  return random(place, Stream::given_silent).uniform(first_of(place)) < share;
}

Order::Order(uint64_t seed, uint64_t bucket, int64_t count)
    : seed_(seed), bucket_(bucket), items_(static_cast<size_t>(count)) {
  if (count < 1) fail(ErrorKind::internal, "Order: there is nothing to put in order.");
}

int64_t Order::at(int64_t position) {
  const auto count = static_cast<int64_t>(items_.size());
  if (position / count != pass_) shuffle(position / count);
  return items_[static_cast<size_t>(position % count)];
}

void Order::shuffle(int64_t pass) {
  pass_ = pass;
  std::iota(items_.begin(), items_.end(), 0);
  const Random draws(seed_, Stream::order, static_cast<uint64_t>(pass));
  // Fisher and Yates; 64 random bits for each choice, so that the remainder's bias is nothing.
  for (size_t i = items_.size(); i-- > 1;) {
    const uint64_t index = (bucket_ << kElementBits) + 2 * i;
    const uint64_t bits = (uint64_t{draws.bits(index)} << 32) | draws.bits(index + 1);
    std::swap(items_[i], items_[bits % (i + 1)]);
  }
}

BucketTurns::BucketTurns(std::vector<int64_t> sizes)
    : sizes_(std::move(sizes)), taken_(sizes_.size(), 0) {}

BucketTurns::Turn BucketTurns::at(int64_t step) {
  const int64_t total = std::accumulate(sizes_.begin(), sizes_.end(), int64_t{0});
  while (static_cast<int64_t>(turns_.size()) <= step) {
    // The bucket that is furthest behind its share of the steps, the first one where several are.
    const auto next = static_cast<int64_t>(turns_.size()) + 1;
    size_t best = 0;
    int64_t behind = INT64_MIN;
    for (size_t i = 0; i < sizes_.size(); ++i) {
      const int64_t lag = sizes_[i] * next - taken_[i] * total;
      if (lag > behind) {
        behind = lag;
        best = i;
      }
    }
    turns_.push_back({best, taken_[best]++});
  }
  return turns_[static_cast<size_t>(step)];
}

}  // namespace iclora::train
