#include "pretrain/samples.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

namespace iclora::pretrain {
namespace {

using Purpose = StepDraws::Purpose;

constexpr int64_t kLengthStep = 8;  // texts are padded to a multiple of this

/// Chosen wordings as tensors; an undefined choice (nullptr) is the empty text.
Samples collect(const Shard& shard, const std::vector<int64_t>& drawings,
                const std::vector<const Caption*>& captions, const SampleSettings& settings) {
  const auto count = static_cast<int64_t>(drawings.size());
  const int64_t panels = shard.panels();
  const int64_t columns = shard.labels.size(2);
  size_t t5_length = 1;
  size_t clip_length = 2;
  for (const Caption* caption : captions) {
    t5_length = std::max(t5_length, (caption ? caption->t5 : settings.t5_empty).size());
    clip_length = std::max(clip_length, (caption ? caption->clip : settings.clip_empty).size());
  }
  const auto needed =
      static_cast<int64_t>((t5_length + kLengthStep - 1) / kLengthStep * kLengthStep);
  const int64_t length =
      settings.full_text ? settings.text_length : std::min(needed, settings.text_length);
  Samples samples;
  samples.shard = &shard;
  samples.drawings = drawings;
  samples.t5 = at::zeros({count, length}, at::kLong);
  samples.clip = at::full({count, static_cast<int64_t>(clip_length)}, settings.clip_end, at::kLong);
  samples.parts = at::zeros({count, panels, length}, at::kFloat);
  samples.targets = at::full({count, panels, columns}, kUntold, at::kLong);
  const auto labels = shard.labels.accessor<int16_t, 3>();
  auto t5 = samples.t5.accessor<int64_t, 2>();
  auto clip = samples.clip.accessor<int64_t, 2>();
  auto parts = samples.parts.accessor<float, 3>();
  auto targets = samples.targets.accessor<int64_t, 3>();
  for (int64_t i = 0; i < count; ++i) {
    const Caption* caption = captions[static_cast<size_t>(i)];
    const std::vector<int32_t>& ids = caption ? caption->t5 : settings.t5_empty;
    const std::vector<int32_t>& clip_ids = caption ? caption->clip : settings.clip_empty;
    const int64_t cut = std::min<int64_t>(static_cast<int64_t>(ids.size()), length);
    for (int64_t k = 0; k < cut; ++k) t5[i][k] = ids[static_cast<size_t>(k)];
    if (cut < static_cast<int64_t>(ids.size())) t5[i][cut - 1] = ids.back();
    for (size_t k = 0; k < clip_ids.size(); ++k) clip[i][static_cast<int64_t>(k)] = clip_ids[k];
    if (caption == nullptr) continue;
    for (int64_t p = 0; p < panels; ++p) {
      const auto panel = static_cast<size_t>(p);
      const int64_t begin = std::min<int64_t>(caption->part_begins[panel], cut);
      const int64_t end = std::min<int64_t>(caption->part_ends[panel], cut);
      if (end <= begin) continue;
      for (int64_t k = begin; k < end; ++k) {
        parts[i][p][k] = 1.0F / static_cast<float>(end - begin);
      }
      for (int64_t c = 0; c < columns; ++c) {
        const int64_t label = labels[drawings[static_cast<size_t>(i)]][p][c];
        if (label >= 0 && (caption->says[panel] >> c & 1) != 0) targets[i][p][c] = label;
      }
    }
  }
  return samples;
}

}  // namespace

Samples draw_samples(const Shard& shard, int64_t count, const SampleSettings& settings,
                     const StepDraws& draws) {
  std::vector<int64_t> drawings;
  std::vector<const Caption*> captions;
  for (int64_t i = 0; i < count; ++i) {
    drawings.push_back(draws.below(shard.size(), Purpose::drawing, i));
    const auto& wordings = shard.captions[static_cast<size_t>(drawings.back())];
    const auto wording = draws.below(static_cast<int64_t>(wordings.size()), Purpose::wording, i);
    const bool dropped = draws.uniform(Purpose::dropout, i) < settings.dropout;
    captions.push_back(dropped ? nullptr : &wordings[static_cast<size_t>(wording)]);
  }
  return collect(shard, drawings, captions, settings);
}

Samples samples_in_order(const Shard& shard, int64_t first, int64_t count,
                         const SampleSettings& settings) {
  std::vector<int64_t> drawings;
  std::vector<const Caption*> captions;
  for (int64_t i = first; i < std::min(first + count, shard.size()); ++i) {
    drawings.push_back(i);
    captions.push_back(&shard.captions[static_cast<size_t>(i)].front());
  }
  return collect(shard, drawings, captions, settings);
}

EmptyText empty_text(const SampleSettings& settings, int64_t length) {
  const std::vector<int64_t> t5(settings.t5_empty.begin(), settings.t5_empty.end());
  const std::vector<int64_t> clip(settings.clip_empty.begin(), settings.clip_empty.end());
  EmptyText empty = {at::zeros({1, length}, at::kLong), at::tensor(clip, at::kLong).unsqueeze(0)};
  const int64_t count = std::min(length, static_cast<int64_t>(t5.size()));
  empty.t5.narrow(1, 0, count).copy_(at::tensor(t5, at::kLong).narrow(0, 0, count).unsqueeze(0));
  return empty;
}

at::Tensor column_loss(const at::Tensor& logits, const at::Tensor& targets,
                       const std::vector<int64_t>& sizes, const at::Tensor& weights) {
  const auto reduction = weights.defined() ? at::Reduction::None : at::Reduction::Sum;
  at::Tensor sum;
  int64_t begin = 0;
  for (size_t c = 0; c < sizes.size(); ++c) {
    const at::Tensor target = targets.select(1, static_cast<int64_t>(c)).contiguous();
    if (target.ne(kUntold).any().item<bool>()) {
      at::Tensor loss =
          at::cross_entropy_loss(logits.narrow(1, begin, sizes[c]), target, {}, reduction, kUntold);
      if (weights.defined()) loss = loss.dot(weights);
      sum = sum.defined() ? sum + loss : loss;
    }
    begin += sizes[c];
  }
  return sum.defined() ? sum : logits.sum() * 0;
}

int64_t told(const at::Tensor& targets) {
  return targets.ne(kUntold).sum().item<int64_t>();
}

std::vector<double> column_accuracy(const at::Tensor& logits, const at::Tensor& targets,
                                    const std::vector<int64_t>& sizes) {
  std::vector<double> accuracy;
  int64_t begin = 0;
  for (size_t c = 0; c < sizes.size(); ++c) {
    const at::Tensor target = targets.select(1, static_cast<int64_t>(c));
    const at::Tensor right = logits.narrow(1, begin, sizes[c]).argmax(1).eq(target);
    const auto count = target.ne(kUntold).sum().item<double>();
    accuracy.push_back(count > 0 ? right.sum().item<double>() / count
                                 : std::numeric_limits<double>::quiet_NaN());
    begin += sizes[c];
  }
  return accuracy;
}

}  // namespace iclora::pretrain
