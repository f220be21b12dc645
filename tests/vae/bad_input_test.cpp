#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ATen/ATen.h>

#include <functional>

#include "refusal.h"
#include "runtime/file_weights.h"
#include "vae/autoencoder.h"

namespace iclora::vae {
namespace {

using testing_support::refusal_of;

const std::string kFolder = ICLORA_FIXTURES "/vae/quant-convs";

struct Case {
  std::string name;
  std::string expected;  ///< part of the message
  std::function<void()> action;
};

std::function<void()> config_with(const std::string& key, const Json& value) {
  return [=] {
    Json json = read_json(kFolder + "/config.json");
    if (value == "absent") {
      json.erase(key);
    } else {
      json[key] = value;
    }
    config_from_json(json, "vae.json");
  };
}

/// Loads the weights under a config that is right but another model's.
std::function<void()> sized(const std::function<void(Config&)>& change) {
  return [=] {
    Config config = config_from_json(read_json(kFolder + "/config.json"), "vae.json");
    change(config);
    runtime::FileWeights source(weights::Checkpoint::open(kFolder + "/model.safetensors"));
    load_encoder(source, config, at::kFloat);
    load_decoder(source, config, at::kFloat);
  };
}

std::vector<Case> cases() {
  return {
      {"NotAnObject", "must hold a JSON object", [] { config_from_json(Json("x"), "vae.json"); }},
      {"OtherClass", "'AsymmetricAutoencoderKL'",
       config_with("_class_name", "AsymmetricAutoencoderKL")},
      {"OtherActivation", "must be \"silu\"", config_with("act_fn", "mish")},
      {"FourColours", "in_channels", config_with("in_channels", 4)},
      {"OneColourOut", "out_channels", config_with("out_channels", 1)},
      {"NoChannels", "block_out_channels", config_with("block_out_channels", "absent")},
      {"EmptyChannels", "block_out_channels", config_with("block_out_channels", Json::array())},
      {"ChannelsNotAList", "block_out_channels", config_with("block_out_channels", 128)},
      {"ChannelZero", "block_out_channels", config_with("block_out_channels", {8, 0, 16})},
      {"ChannelAbsurd", "block_out_channels", config_with("block_out_channels", {8, 12, 1 << 30})},
      {"ChannelFraction", "block_out_channels", config_with("block_out_channels", {8, 12.5, 16})},
      {"TooManyLevels", "1 to 8 sizes", config_with("block_out_channels", std::vector<int>(40, 8))},
      {"FewerBlockTypes", "'down_block_types' must be 3 times",
       config_with("down_block_types", {"DownEncoderBlock2D"})},
      {"OtherBlockType", "'up_block_types' must be 3 times",
       config_with("up_block_types",
                   {"UpDecoderBlock2D", "AttnUpDecoderBlock2D", "UpDecoderBlock2D"})},
      {"GroupsDoNotDivide", "must be a multiple", config_with("norm_num_groups", 3)},
      {"NoGroups", "norm_num_groups", config_with("norm_num_groups", 0)},
      {"NoLayers", "layers_per_block", config_with("layers_per_block", 0)},
      {"AbsurdLayers", "layers_per_block", config_with("layers_per_block", 100000)},
      {"LatentChannelsZero", "latent_channels", config_with("latent_channels", 0)},
      {"ScalingZero", "scaling_factor", config_with("scaling_factor", 0)},
      {"ScalingAsText", "scaling_factor", config_with("scaling_factor", "0.36")},
      {"ShiftAbsurd", "shift_factor", config_with("shift_factor", 1e300)},
      {"LatentStatistics", "latents_mean", config_with("latents_mean", {0.0, 1.0})},
      {"QuantConvNotABoolean", "use_quant_conv", config_with("use_quant_conv", "yes")},
      {"WeightsOfOtherChannels", "expected [16, 3, 3, 3]", sized([](Config& c) {
         c.block_out_channels = {16, 16, 16};
       })},
      {"WeightsOfOtherLatents", "expected [24, 16, 3, 3]",
       sized([](Config& c) { c.latent_channels = 12; })},
      {"WeightsOfFewerLayers", "resnets.2.", sized([](Config& c) { c.layers_per_block = 3; })},
      {"WeightsOfFewerLevels", "down_blocks.2.", sized([](Config& c) {
         c.block_out_channels = {8, 12, 16, 16};
       })},
      {"PictureOfUnevenSize", "must divide by 4",
       [] {
         runtime::FileWeights source(weights::Checkpoint::open(kFolder + "/model.safetensors"));
         const Config config = config_from_json(read_json(kFolder + "/config.json"), "vae.json");
         encode(load_encoder(source, config, at::kFloat), at::zeros({1, 3, 16, 18}));
       }},
  };
}

class VaeBadInput : public testing::TestWithParam<Case> {};

TEST_P(VaeBadInput, IsOneSentenceThatSaysWhat) {
  EXPECT_THAT(refusal_of(GetParam().action), testing::HasSubstr(GetParam().expected));
}

INSTANTIATE_TEST_SUITE_P(Table, VaeBadInput, testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace iclora::vae
