#include "sampling/request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "refusal.h"
#include "sampling/schedule.h"

namespace iclora::sampling {
namespace {

using testing::HasSubstr;
using testing_support::refusal_of;

std::string message_of(const Json& json) {
  return refusal_of([&] { request_from_json(json, "request"); });
}

TEST(RequestJson, RoundTripsEveryField) {
  const Json json = {{"model", "m"},
                     {"prompt", "a \"fox\"\n雨"},
                     {"panel_prompts", {"x", ""}},
                     {"negative_prompt", "blur"},
                     {"cfg", 2.5},
                     {"grid", "2x1"},
                     {"panel", "64x32"},
                     {"dialect", "scene"},
                     {"method", "gdt"},
                     {"steps", 7},
                     {"guidance", 0.0},
                     {"seed", 9007199254740993},
                     {"count", 3},
                     {"loras", {{{"file", "a.safetensors"}, {"strength", -0.5}}}},
                     {"allow_unmatched", true},
                     {"text_length", 128},
                     {"dtype", "bf16"},
                     {"device", "cpu"},
                     {"noise", "n.safetensors"},
                     {"noise_index", 2}};
  EXPECT_EQ(request_to_json(request_from_json(json, "request")), json);
}

TEST(RequestJson, RefusesWhatItDoesNotKnowOrCannotBe) {
  EXPECT_EQ(message_of({{"model", "m"}, {"guidance", 0}}), "accepted");
  EXPECT_THAT(message_of({{"promt", "x"}}), HasSubstr("did you mean 'prompt'"));
  EXPECT_THAT(message_of({{"steps", 0}}), HasSubstr("steps"));
  EXPECT_THAT(message_of({{"steps", 2.5}}), HasSubstr("steps"));
  EXPECT_THAT(message_of({{"count", -1}}), HasSubstr("count"));
  EXPECT_THAT(message_of({{"seed", -1}}), HasSubstr("seed"));
  EXPECT_THAT(message_of({{"guidance", "much"}}), HasSubstr("guidance"));
  EXPECT_THAT(message_of({{"guidance", -1}}), HasSubstr("guidance"));
  EXPECT_THAT(message_of({{"grid", "2"}}), HasSubstr("ROWSxCOLUMNS"));
  EXPECT_THAT(message_of({{"panel", "64"}}), HasSubstr("WxH"));
  EXPECT_THAT(message_of({{"panel", "64x64"}, {"size", "64x64"}}), HasSubstr("contradict"));
  EXPECT_THAT(message_of({{"dtype", "fp8"}}), HasSubstr("fp32, bf16"));
  EXPECT_THAT(message_of({{"loras", {{{"strength", 1}}}}}), HasSubstr("file"));
  EXPECT_THAT(message_of({{"method", "gtd"}}), HasSubstr("canvas, gdt"));
  EXPECT_THAT(message_of({{"given_attention", 0}}), HasSubstr("above 0"));
  EXPECT_THAT(message_of({{"given_attention", -1.5}}), HasSubstr("above 0"));
  EXPECT_THAT(message_of({{"given_attention", "much"}}), HasSubstr("given_attention"));
  EXPECT_THAT(message_of({{"loras", "x"}}), HasSubstr("list"));
  EXPECT_THAT(message_of({{"text_length", 513}}), HasSubstr("text_length"));
  EXPECT_THAT(message_of({{"negative_prompt", "x"}}), HasSubstr("cfg"));
  EXPECT_THAT(message_of(Json::array()), HasSubstr("object"));
}

TEST(Schedule, ConfigsThatAskForMoreAreRefused) {
  const auto message = [](const char* key, const Json& value) -> std::string {
    Json json = schedule_to_json(ScheduleConfig());
    json[key] = value;
    return refusal_of([&] { schedule_from_json(json, "scheduler"); });
  };
  EXPECT_EQ(message("shift", 3.0), "accepted");
  EXPECT_THAT(message("use_karras_sigmas", true), HasSubstr("use_karras_sigmas"));
  EXPECT_THAT(message("shift_terminal", 0.1), HasSubstr("shift_terminal"));
  EXPECT_THAT(message("time_shift_type", "linear"), HasSubstr("exponential"));
  EXPECT_THAT(message("num_train_timesteps", 500), HasSubstr("1000"));
  EXPECT_THAT(message("_class_name", "DDIMScheduler"), HasSubstr("DDIMScheduler"));
  EXPECT_THAT(message("shift", 0), HasSubstr("above 0"));
  EXPECT_THAT(message("max_image_seq_len", 256), HasSubstr("max_image_seq_len"));
}

// 20 steps at 1024 x 1024 as FLUX.1-dev runs them: mu = 1.15, so sigma = e^1.15 / (e^1.15 + 1/s -
// 1).
TEST(Schedule, FollowsItsFormula) {
  const std::vector<float> levels = sigmas(ScheduleConfig(), 20, 4096);
  ASSERT_EQ(levels.size(), 21U);
  EXPECT_EQ(levels.front(), 1.0F);
  EXPECT_EQ(levels.back(), 0.0F);
  const double e = std::exp(1.15);
  for (int i = 0; i < 20; ++i) {
    const double even = 1.0 - i * (1.0 - 1.0 / 20) / 19;
    EXPECT_NEAR(levels[static_cast<size_t>(i)], e / (e + 1 / even - 1), 1e-6);
  }
  ScheduleConfig schnell;
  schnell.use_dynamic_shifting = false;
  schnell.shift = 1.0;
  EXPECT_EQ(sigmas(schnell, 4, 4096), (std::vector<float>{1.0F, 0.75F, 0.5F, 0.25F, 0.0F}));
}

TEST(Schedule, ShiftsThatLeaveNoNoiseLevelsAreNamed) {
  const auto message = [](bool dynamic, double shift, double base_shift) -> std::string {
    ScheduleConfig config;
    config.use_dynamic_shifting = dynamic;
    config.shift = shift;
    config.base_shift = base_shift;
    return refusal_of([&] { sigmas(config, 20, 16); });
  };
  for (const double shift : {0.01, 0.3, 1.0, 2.2, 3.0, 7.7, 1000.0}) {
    EXPECT_EQ(message(false, shift, 0), "accepted") << shift;
  }
  for (const double base : {-3.0, 0.0, 1.15, 9.0}) {
    EXPECT_EQ(message(true, 1, base), "accepted") << base;
  }
  EXPECT_THAT(message(false, 1e308, 0), HasSubstr("'shift' is 1e+308"));
  for (const double base : {1e308, 1000.0, -1000.0}) {
    EXPECT_THAT(message(true, 1, base), HasSubstr("scheduler_config.json")) << base;
  }
}

}  // namespace
}  // namespace iclora::sampling
