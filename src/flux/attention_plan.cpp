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

}  // namespace

AttentionPlan canvas_attention(int64_t text_length, const std::vector<bool>& given, double gain) {
  if (gain == 1.0) return {};
  const auto length = text_length + static_cast<int64_t>(given.size());
  const std::vector<TokenRange> given_runs = runs_of(given, true, text_length);
  const std::vector<TokenRange> targets = runs_of(given, false, text_length);
  if (given_runs.empty() || targets.empty()) return {};
  at::Tensor bias = at::zeros({length}, at::kFloat);
  for (const TokenRange& run : given_runs) bias.slice(0, run.begin, run.end).fill_(std::log(gain));
  std::vector<TokenRange> others = {{0, text_length}};
  others.insert(others.end(), given_runs.begin(), given_runs.end());
  return {{others, {{0, length}}, {}}, {targets, {{0, length}}, bias}};
}

AttentionPlan panel_attention(int64_t text_length, const std::vector<int64_t>& image_lengths,
                              const std::vector<bool>& given, double gain, CrossPanel across) {
  const auto panels = static_cast<int64_t>(image_lengths.size());
  std::vector<TokenRange> images;
  int64_t at = panels * text_length;
  for (const int64_t length : image_lengths) {
    images.push_back({at, at + length});
    at += length;
  }
  const TokenRange all_images = {panels * text_length, at};
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
    AttentionGroup image = {{own}, {text, all_images}, {}};
    if (gain != 1.0 && !given.empty() && !given[i]) {
      image.bias = at::zeros({text_length + all_images.end - all_images.begin}, at::kFloat);
      for (size_t k = 0; k < images.size(); ++k) {
        if (!given[k]) continue;
        const int64_t shift = text_length - all_images.begin;
        image.bias.slice(0, images[k].begin + shift, images[k].end + shift).fill_(std::log(gain));
      }
    }
    plan.push_back(image);
  }
  return plan;
}

}  // namespace iclora::flux
