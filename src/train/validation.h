#pragma once
// The loss on held-out sets at fixed timesteps and noise: numbers that can be compared from step to
// step and from run to run.

#include "core/json.h"
#include "core/progress.h"
#include "train/feed.h"
#include "train/micro_step.h"

namespace iclora::train {

struct ValidationLoss {
  double loss = 0;                  ///< over all panels of all held-out sets
  std::vector<double> panels;       ///< by the panel's number; sets with fewer are left out there
  std::vector<double> timesteps;    ///< the sigmas measured at
  std::vector<double> at_timestep;  ///< the loss at each of them
};

/// Each set meets every timestep with its own noise, which is a function of `seed` alone. Throws
/// Cancelled soon after `progress` says so.
ValidationLoss validation_loss(const flux::Transformer& transformer,
                               const std::vector<SetFeed::HeldOut>& sets, uint64_t seed,
                               const MicroStepSettings& settings, Progress& progress);

Json to_json(const ValidationLoss& loss);

}  // namespace iclora::train
