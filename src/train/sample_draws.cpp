#include "train/sample_draws.h"

namespace iclora::train {
namespace {

std::vector<int64_t> sizes_of(const dataset::Plan& plan) {
  std::vector<int64_t> sizes;
  sizes.reserve(plan.buckets.size());
  for (const dataset::Bucket& bucket : plan.buckets) {
    sizes.push_back(static_cast<int64_t>(bucket.items.size()));
  }
  return sizes;
}

}  // namespace

SampleDraws::SampleDraws(const dataset::Plan& plan, const run::TrainConfig& train)
    : train_(train), turns_(sizes_of(plan)) {
  for (size_t i = 0; i < plan.buckets.size(); ++i) {
    const dataset::Bucket& bucket = plan.buckets[i];
    buckets_.push_back({bucket.items, static_cast<int64_t>(bucket.layout.boxes.size()),
                        Order(train.seed, i, static_cast<int64_t>(bucket.items.size()))});
  }
}

Sample SampleDraws::at(int64_t step, int64_t position) {
  const BucketTurns::Turn turn = turns_.at(step);
  Bucket& bucket = buckets_[turn.bucket];
  const Place place{train_.seed, step, position};
  Sample sample;
  sample.item = bucket.items[static_cast<size_t>(
      bucket.order.at(turn.count * train_.batch * train_.accumulate + position))];
  sample.given = draw_given(place, train_.conditional, bucket.panels);
  sample.captioned = !draw_caption_dropout(place, train_.caption_dropout);
  sample.silent = !sample.given.empty() && draw_given_silent(place, train_.given_silent);
  return sample;
}

}  // namespace iclora::train
