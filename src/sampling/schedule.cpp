#include "sampling/schedule.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace iclora::sampling {
namespace {

/// What other schedulers switch on and this one does not know. Each stands in published configs as
/// false or null.
constexpr const char* kUnsupported[] = {"use_karras_sigmas", "use_exponential_sigmas",
                                        "use_beta_sigmas", "invert_sigmas", "stochastic_sampling"};

}  // namespace

ScheduleConfig schedule_from_json(const Json& json, const std::string& origin) {
  const std::string kind =
      json_string_or(json, "_class_name", origin, "FlowMatchEulerDiscreteScheduler");
  if (kind != "FlowMatchEulerDiscreteScheduler") {
    fail_input("{}: the scheduler is '{}', expected 'FlowMatchEulerDiscreteScheduler'.",
               printable(origin), printable(kind));
  }
  for (const char* key : kUnsupported) {
    if (json_bool_or(json, key, origin, false)) {
      fail_input("{}: '{}' is on, which is not supported; set it to false.", printable(origin),
                 key);
    }
  }
  if (const auto found = json.find("shift_terminal"); found != json.end() && !found->is_null()) {
    fail_input("{}: 'shift_terminal' is set, which is not supported; set it to null.",
               printable(origin));
  }
  if (json_string_or(json, "time_shift_type", origin, "exponential") != "exponential") {
    fail_input("{}: 'time_shift_type' must be \"exponential\".", printable(origin));
  }
  if (json_integer_or(json, "num_train_timesteps", origin, 1, 1 << 30, 1000) != 1000) {
    fail_input("{}: 'num_train_timesteps' must be 1000, as the transformer expects.",
               printable(origin));
  }
  ScheduleConfig config;
  config.shift = json_number_or(json, "shift", origin, 1.0);
  config.use_dynamic_shifting = json_bool_or(json, "use_dynamic_shifting", origin, false);
  config.base_shift = json_number_or(json, "base_shift", origin, 0.5);
  config.max_shift = json_number_or(json, "max_shift", origin, 1.15);
  config.base_image_seq_len = json_integer_or(json, "base_image_seq_len", origin, 1, 1 << 30, 256);
  config.max_image_seq_len = json_integer_or(json, "max_image_seq_len", origin, 1, 1 << 30, 4096);
  if (config.use_dynamic_shifting && config.max_image_seq_len <= config.base_image_seq_len) {
    fail_input("{}: 'max_image_seq_len' ({}) must be above 'base_image_seq_len' ({}).",
               printable(origin), config.max_image_seq_len, config.base_image_seq_len);
  }
  if (!(config.shift > 0)) {
    fail_input("{}: 'shift' is {}, but must be above 0.", printable(origin), config.shift);
  }
  return config;
}

Json schedule_to_json(const ScheduleConfig& config) {
  return {{"_class_name", "FlowMatchEulerDiscreteScheduler"},
          {"_diffusers_version", "0.30.0"},
          {"base_image_seq_len", config.base_image_seq_len},
          {"base_shift", config.base_shift},
          {"max_image_seq_len", config.max_image_seq_len},
          {"max_shift", config.max_shift},
          {"num_train_timesteps", 1000},
          {"shift", config.shift},
          {"use_dynamic_shifting", config.use_dynamic_shifting}};
}

std::vector<float> sigmas(const ScheduleConfig& config, int64_t steps, int64_t image_tokens) {
  if (steps < 1) fail(ErrorKind::internal, "sigmas: {} steps.", steps);
  const double slope = (config.max_shift - config.base_shift) /
                       static_cast<double>(config.max_image_seq_len - config.base_image_seq_len);
  const double mu =
      config.base_shift + slope * static_cast<double>(image_tokens - config.base_image_seq_len);
  const auto exp_mu = static_cast<float>(std::exp(mu));
  const auto shift = static_cast<float>(config.shift);

  std::vector<float> levels;
  for (int64_t i = 0; i < steps; ++i) {
    // linspace(1, 1/steps, steps), in fp64 and rounded, then shifted in fp32 as the reference does.
    const double last = 1.0 / static_cast<double>(steps);
    const double even =
        steps == 1 ? 1.0
                   : 1.0 + (last - 1.0) * static_cast<double>(i) / static_cast<double>(steps - 1);
    const auto sigma = static_cast<float>(even);
    levels.push_back(config.use_dynamic_shifting ? exp_mu / (exp_mu + (1.0F / sigma - 1.0F))
                                                 : shift * sigma / (1.0F + (shift - 1.0F) * sigma));
  }
  // Rounding may take the first a hair above 1.
  const auto is_level = [](float sigma) { return sigma > 0 && sigma < 1.001F; };
  if (!std::all_of(levels.begin(), levels.end(), is_level)) {
    fail_input(
        "The scheduler's noise levels for {} image tokens are not numbers above 0 and up to 1 "
        "('shift' is {}, 'base_shift' {}, 'max_shift' {}); check scheduler_config.json.",
        image_tokens, config.shift, config.base_shift, config.max_shift);
  }
  levels.push_back(0.0F);
  return levels;
}

float timestep_of(float sigma) {
  return sigma * 1000.0F / 1000.0F;
}

}  // namespace iclora::sampling
