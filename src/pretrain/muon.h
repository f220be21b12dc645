#pragma once
// Muon (Jordan et al. 2024): momentum whose every matrix is made as nearly orthogonal as five
// steps of a Newton-Schulz iteration make it, so that a step turns all directions of a layer alike.
// Of a size as AdamW's (Liu et al., arXiv 2502.16982), so that both share one learning rate.
// Numbers as torch.optim.Muon's with adjust_lr_fn="match_rms_adamw", but computed in fp32. Every
// result is the same on any number of threads.

#include <ATen/core/Tensor.h>

#include <vector>

namespace iclora::pretrain {

struct MuonSettings {
  double momentum = 0.95;     ///< Nesterov's
  double weight_decay = 0.0;  ///< decoupled, as AdamW's
};

/// A matrix [m, n] of the same singular vectors, its singular values about 1 (0.7 to 1.2); zero
/// stays zero. fp32.
at::Tensor orthogonalised(const at::Tensor& matrix);

/// One step in place, of matrices and of kernels: [O, I, h, w] is taken as [O, I h w]. Contiguous.
/// gradients[i] may be undefined: zero. `gradient_scale`
/// multiplies them all; `momenta` are zero before the first step.
void muon_step(const std::vector<at::Tensor>& parameters, const std::vector<at::Tensor>& gradients,
               double gradient_scale, double learning_rate, const MuonSettings& settings,
               const std::vector<at::Tensor>& momenta);

}  // namespace iclora::pretrain
