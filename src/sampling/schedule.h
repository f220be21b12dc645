#pragma once
// The noise levels of a sampling run, and the Euler step along the velocity (flow matching).

#include <cstdint>
#include <string>
#include <vector>

#include "core/json.h"

namespace iclora::sampling {

/// scheduler/scheduler_config.json of a diffusers folder (FlowMatchEulerDiscreteScheduler).
struct ScheduleConfig {
  double shift = 3.0;                ///< used when the shift is not dynamic
  bool use_dynamic_shifting = true;  ///< the shift depends on the number of image tokens
  double base_shift = 0.5;
  double max_shift = 1.15;
  int64_t base_image_seq_len = 256;
  int64_t max_image_seq_len = 4096;
};

/// Errors (exit 2) name `origin` and what is not supported.
ScheduleConfig schedule_from_json(const Json& json, const std::string& origin);
Json schedule_to_json(const ScheduleConfig& config);

/// `steps` + 1 noise levels from 1 down to 0, the last exactly 0: linspace(1, 1/steps, steps),
/// shifted. `image_tokens`: packed length of the canvas. Error (exit 2) where the config's shifts
/// leave no such levels.
std::vector<float> sigmas(const ScheduleConfig& config, int64_t steps, int64_t image_tokens);

/// The timestep the transformer is asked at a noise level: sigma, by way of thousandths, since the
/// reference rounds there.
float timestep_of(float sigma);

}  // namespace iclora::sampling
