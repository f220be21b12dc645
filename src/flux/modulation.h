#pragma once
// Adaptive layer norm's modulation: shifts, scales and gates out of the conditioning vector.

#include <ATen/core/Tensor.h>

#include <vector>

#include "nn/linear.h"

namespace iclora::flux {

/// What modulates every block. Tokens of given panels may live at a timestep of their own.
struct Condition {
  at::Tensor shared;        ///< silu of the conditioning vector, [B, D]; or one a panel, [B, N, D]
  at::Tensor given;         ///< the same for given tokens; undefined where all tokens share one
  at::Tensor given_tokens;  ///< bool [B, Li]: which image tokens are given; undefined with `given`
  /// Where each panel has a vector of its own: how many image tokens each has, in order. The text
  /// tokens are the panels' captions, of equal lengths.
  std::vector<int64_t> panel_tokens = {};
};

/// Whose tokens a layer modulates.
enum class Tokens { text, image, text_then_image };

/// Tokens begin, ..., end - 1 of what a layer modulates belong to panel `panel` (from 0).
struct PanelRun {
  int64_t panel = 0, begin = 0, end = 0;
};

/// What modulation_backward needs of the forward pass.
struct ModulationSaved {
  nn::LinearSaved shared, given;
  at::Tensor mask;             ///< bool [B, L, 1]; undefined where no token is given
  std::vector<PanelRun> runs;  ///< whose vector each token took; empty where all share one
};

/// `layer` (D -> parts * D) of the condition, cut into `parts` tensors: fp32 [B, 1, D], or
/// [B, L, D] where tokens differ. `text_length`: how many text tokens there are; they lead.
std::vector<at::Tensor> modulation_forward(const nn::Linear& layer, const Condition& condition,
                                           int64_t parts, Tokens tokens, int64_t text_length,
                                           ModulationSaved* saved = nullptr);

/// fp32 sums over all layers; undefined until a layer adds to them.
struct ConditionGradient {
  bool wanted = false;  ///< whether anything below the condition is trained
  at::Tensor shared, given;
};

/// parts: the gradients of modulation_forward's results, in their order and shapes.
void modulation_backward(const nn::Linear& layer, const ModulationSaved& saved,
                         const std::vector<at::Tensor>& parts, ConditionGradient& condition,
                         nn::Gradients& gradients);

}  // namespace iclora::flux
