#pragma once
// Who sees whom in a joint attention. Without a plan every token sees every token.
//
// Panels as sequences of their own (Group Diffusion Transformers, arXiv 2410.15027): the captions
// of all panels come first, then their images; caption i sees caption i and image i, image i sees
// caption i and all images.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace iclora::flux {

/// Tokens begin, ..., end - 1 of the joint sequence, text first.
struct TokenRange {
  int64_t begin = 0;
  int64_t end = 0;
};

/// Queries that see the same keys.
struct AttentionGroup {
  std::vector<TokenRange> queries;
  std::vector<TokenRange> keys;
  at::Tensor bias = {};  ///< fp32 [keys], added to the scores; undefined: none. Forward alone.
};

/// Every token is a query of exactly one group. Empty: everyone sees everyone.
using AttentionPlan = std::vector<AttentionGroup>;

/// Image tokens weigh the keys of given image tokens `gain` times as much: log(gain) is added to
/// those scores before the softmax, so that weights still add up to 1 (Diptych Prompting, arXiv
/// 2411.15466, multiplies the weights after it). Only image tokens that are not given do so.
/// `given`: a value an image token. A gain of 1 is the empty plan.
AttentionPlan canvas_attention(int64_t text_length, const std::vector<bool>& given, double gain);

/// Whether panels see each other's images; masked, each is a generation of its own.
enum class CrossPanel { seen, masked };

/// `text_length`: tokens of one panel's caption; `image_lengths`: of each panel's image; `given`: a
/// value a panel, or none.
AttentionPlan panel_attention(int64_t text_length, const std::vector<int64_t>& image_lengths,
                              const std::vector<bool>& given = {}, double gain = 1.0,
                              CrossPanel across = CrossPanel::seen);

}  // namespace iclora::flux
