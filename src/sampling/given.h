#pragma once
// Sampling with given panels: what stands in their places at each step.
//
//   clean    their clean latents at every step, as conditional training shows them (Edit Transfer,
//            arXiv 2503.13327; with the given tokens at timestep 0 as OminiControl, 2411.15098)
//   replace  the straight path from the run's own noise to their clean latents
//   sdedit   their clean latents noised anew at every step (masked sampling of SDEdit, arXiv
//            2108.01073), which is how the paper conditions
//
// A given panel is encoded alone: the autoencoder's attention and norms would otherwise carry
// neighbours into it.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "core/progress.h"
#include "flux/attention_plan.h"
#include "panels/layout.h"

namespace iclora::sampling {

enum class GivenMethod { clean, replace, sdedit };

struct GivenTokens {
  GivenMethod method = GivenMethod::clean;
  bool at_zero = false;  ///< clean only: given tokens live at timestep 0
  /// At zero only: whom they see. Where each other alone, their keys and values are computed once.
  flux::GivenSees sees = flux::GivenSees::all;
  /// Clean latents of the given panels, fp32 [1 or B, C, h, w]; in the other panels what sdedit
  /// begins from when its strength is below 1.
  at::Tensor latents;
  at::Tensor mask;              ///< bool [1, 1, h, w]: true inside given panels
  double strength = 1.0;        ///< sdedit: which share of the steps is taken
  std::vector<uint64_t> seeds;  ///< of the noise that sdedit draws at each step, one a canvas
};

/// How many of `steps` steps are left out at the beginning.
int64_t first_step(const GivenTokens& given, int64_t steps);

/// Where sampling begins at the noise level `sigma`: noise [B, C, h, w], or under sdedit with less
/// than full strength what is between it and `latents`.
at::Tensor begin_from(const GivenTokens& given, const at::Tensor& noise, float sigma);

/// What stands in the places of given panels at step `step` of noise level `sigma`: [B, C, h, w],
/// of which only these places count.
at::Tensor held_at(const GivenTokens& given, const at::Tensor& noise, int64_t step, float sigma);

/// Panels' latents, each fp32 [1, C, h, w], on a canvas: the given ones by number (from 1). A panel
/// that is not given takes the latents of the given panel nearest in reading order, the earlier of
/// two, which is what sdedit begins from. Panels are of one size.
GivenTokens given_tokens(const panels::Layout& layout, const std::vector<int64_t>& numbers,
                         const std::vector<at::Tensor>& latents);

struct Resolved;
/// The given panels of a request through the autoencoder, in fp32 as in training; none where none
/// is given. Progress: phase "encoding given panels".
std::optional<GivenTokens> encode_given(const Resolved& resolved, Progress& progress);

}  // namespace iclora::sampling
