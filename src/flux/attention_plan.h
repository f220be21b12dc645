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

/// Tokens begin, ..., end - 1 of the joint sequence, text first; of keys also those behind it.
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

/// Whom the image tokens of given panels see: all that any image token sees, or each other alone
/// (OminiControl2's independent condition, arXiv 2503.08280). Then nothing about them changes from
/// step to step.
enum class GivenSees { all, given };

/// How given panels take part.
struct GivenAttention {
  /// Image tokens that are not given weigh the keys of given ones so many times as much: log(gain)
  /// is added to those scores before the softmax, so that weights still add up to 1 (Diptych
  /// Prompting, arXiv 2411.15466, multiplies the weights after it).
  double gain = 1.0;
  GivenSees sees = GivenSees::all;
};

/// `given`: a value an image token, or none. The empty plan where given tokens are as any others.
AttentionPlan canvas_attention(int64_t text_length, const std::vector<bool>& given,
                               const GivenAttention& how);
/// The same for text and `targets` image tokens alone, with the keys of `given` tokens, which see
/// only each other, behind the sequence.
AttentionPlan canvas_attention_beside(int64_t text_length, int64_t targets, int64_t given,
                                      double gain);

/// Whether panels see each other's images; masked, each is a generation of its own.
enum class CrossPanel { seen, masked };

/// `text_length`: tokens of one panel's caption; `image_lengths`: of each panel's image; `given`: a
/// value a panel, or none. Of masked panels none is given.
AttentionPlan panel_attention(int64_t text_length, const std::vector<int64_t>& image_lengths,
                              const std::vector<bool>& given = {}, const GivenAttention& how = {},
                              CrossPanel across = CrossPanel::seen);
/// The same for the panels that are not given alone, with the keys of `given` image tokens, which
/// see only each other, behind the sequence.
AttentionPlan panel_attention_beside(int64_t text_length, const std::vector<int64_t>& image_lengths,
                                     int64_t given, double gain);

}  // namespace iclora::flux
