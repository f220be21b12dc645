#include "flux/attention_plan.h"

#include <ATen/ATen.h>

#include <cmath>

namespace iclora::flux {
namespace {

/// Runs of image tokens whose value is `which`, behind `offset` tokens.
std::vector<TokenRange> runs_of(const std::vector<bool>& given, bool which, int64_t offset) {
  std::vector<TokenRange> runs;
  for (size_t i = 0; i < given.size(); ++i) {
    if (given[i] != which) continue;
    const int64_t token = offset + static_cast<int64_t>(i);
    if (runs.empty() || runs.back().end != token) runs.push_back({token, token});
    runs.back().end = token + 1;
  }
  return runs;
}

/// Zero but for the gain in `runs`, which are parts of `length` keys; undefined where it is 1.
at::Tensor bias_of(double gain, const std::vector<TokenRange>& runs, int64_t length) {
  if (gain == 1.0) return {};
  at::Tensor bias = at::zeros({length}, at::kFloat);
  for (const TokenRange& run : runs) bias.slice(0, run.begin, run.end).fill_(std::log(gain));
  return bias;
}

/// Images of these lengths, one behind the other from token `at` on.
std::vector<TokenRange> images_from(int64_t at, const std::vector<int64_t>& lengths) {
  std::vector<TokenRange> images;
  images.reserve(lengths.size());
  for (const int64_t length : lengths) {
    images.push_back({at, at + length});
    at += length;
  }
  return images;
}

}  // namespace

AttentionPlan canvas_attention(int64_t text_length, const std::vector<bool>& given,
                               const GivenAttention& how) {
  const auto length = text_length + static_cast<int64_t>(given.size());
  const std::vector<TokenRange> given_runs = runs_of(given, true, text_length);
  const std::vector<TokenRange> targets = runs_of(given, false, text_length);
  if (given_runs.empty() || targets.empty()) return {};
  const bool apart = how.sees == GivenSees::given;
  if (!apart && how.gain == 1.0) return {};
  AttentionPlan plan;
  std::vector<TokenRange> others = {{0, text_length}};
  if (apart) {
    plan.push_back({given_runs, given_runs, {}});
  } else {
    others.insert(others.end(), given_runs.begin(), given_runs.end());
  }
  const at::Tensor bias = bias_of(how.gain, given_runs, length);
  if (!bias.defined()) others.insert(others.end(), targets.begin(), targets.end());
  plan.push_back({others, {{0, length}}, {}});
  if (bias.defined()) plan.push_back({targets, {{0, length}}, bias});
  return plan;
}

AttentionPlan canvas_attention_beside(int64_t text_length, int64_t targets, int64_t given,
                                      double gain) {
  if (gain == 1.0) return {};
  const int64_t length = text_length + targets;
  const TokenRange all = {0, length + given};
  return {{{{0, text_length}}, {all}, {}},
          {{{text_length, length}}, {all}, bias_of(gain, {{length, all.end}}, all.end)}};
}

AttentionPlan panel_attention(int64_t text_length, const std::vector<int64_t>& image_lengths,
                              const std::vector<bool>& given, const GivenAttention& how,
                              CrossPanel across) {
  const auto panels = static_cast<int64_t>(image_lengths.size());
  const std::vector<TokenRange> images = images_from(panels * text_length, image_lengths);
  const TokenRange all_images = {images.front().begin, images.back().end};
  std::vector<TokenRange> given_images;
  for (size_t i = 0; i < given.size(); ++i) {
    if (given[i]) given_images.push_back(images[i]);
  }
  AttentionPlan plan;
  for (size_t i = 0; i < images.size(); ++i) {
    const auto begin = static_cast<int64_t>(i) * text_length;
    const TokenRange text = {begin, begin + text_length};
    const TokenRange own = images[i];
    if (across == CrossPanel::masked) {
      plan.push_back({{text, own}, {text, own}, {}});
      continue;
    }
    plan.push_back({{text}, {text, own}, {}});
    const bool is_given = !given.empty() && given[i];
    if (is_given && how.sees == GivenSees::given) {
      plan.push_back({{own}, given_images, {}});
      continue;
    }
    AttentionGroup image = {{own}, {text, all_images}, {}};
    if (!is_given) {
      std::vector<TokenRange> among_keys;
      among_keys.reserve(given_images.size());
      const int64_t shift = text_length - all_images.begin;
      for (const TokenRange& one : given_images) {
        among_keys.push_back({one.begin + shift, one.end + shift});
      }
      if (!among_keys.empty()) {
        image.bias = bias_of(how.gain, among_keys, text_length + all_images.end - all_images.begin);
      }
    }
    plan.push_back(image);
  }
  return plan;
}

AttentionPlan panel_attention_beside(int64_t text_length, const std::vector<int64_t>& image_lengths,
                                     int64_t given, double gain) {
  AttentionPlan plan = panel_attention(text_length, image_lengths);
  // Text and image of each panel in turn.
  for (size_t i = 1; i < plan.size(); i += 2) {
    AttentionGroup& image = plan[i];
    const int64_t end = image.keys.back().end;
    image.keys.push_back({end, end + given});
    const int64_t keys =
        text_length + end - static_cast<int64_t>(image_lengths.size()) * text_length;
    image.bias = bias_of(gain, {{keys, keys + given}}, keys + given);
  }
  return plan;
}

}  // namespace iclora::flux
