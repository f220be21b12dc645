#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "fixtures.h"
#include "refusal.h"
#include "tensors.h"
#include "vae/autoencoder.h"

namespace iclora::vae {
namespace {

using testing_support::Fixture;
using testing_support::normal;
using testing_support::refusal_of;
using testing_support::relative_l2;
using testing_support::same_bytes_on_any_thread_count;

// The bound for a module in fp32.
constexpr double kModuleTolerance = 1e-5;

const std::string kFolder = ICLORA_FIXTURES "/models/toy-dev/vae";

Config toy_config() {
  return config_from_json(read_json(kFolder + "/config.json"), "config.json");
}
Encoder toy_encoder(at::ScalarType dtype) {
  runtime::FileWeights source(weights::Checkpoint::open(kFolder));
  return load_encoder(source, toy_config(), dtype);
}
Decoder toy_decoder(at::ScalarType dtype) {
  runtime::FileWeights source(weights::Checkpoint::open(kFolder));
  return load_decoder(source, toy_config(), dtype);
}

TEST(VaeParity, EncodeAndDecodeEqualTheReferenceInFp32) {
  Fixture fixture("models/toy-dev.vae.safetensors");
  for (const std::string name : {"square", "tall"}) {
    const Posterior posterior = encode(toy_encoder(at::kFloat), fixture[name + ".image"]);
    EXPECT_LT(relative_l2(posterior.mean, fixture[name + ".mean"]), kModuleTolerance) << name;
    EXPECT_LT(relative_l2(posterior.logvar, fixture[name + ".logvar"]), kModuleTolerance) << name;
    EXPECT_LT(relative_l2(decode(toy_decoder(at::kFloat), fixture[name + ".latents"]),
                          fixture[name + ".decoded"]),
              kModuleTolerance)
        << name;
  }
}

TEST(VaeParity, InBf16TheErrorIsAtMostOneAndAHalfTimesTheReferences) {
  Fixture fixture("models/toy-dev.vae.safetensors");
  for (const std::string name : {"square", "tall"}) {
    const at::Tensor mean = fixture[name + ".mean"];
    EXPECT_LT(relative_l2(encode(toy_encoder(at::kBFloat16), fixture[name + ".image"]).mean, mean),
              1.5 * relative_l2(fixture[name + ".mean.bf16"], mean));
    const at::Tensor decoded = fixture[name + ".decoded"];
    EXPECT_LT(relative_l2(decode(toy_decoder(at::kBFloat16), fixture[name + ".latents"]), decoded),
              1.5 * relative_l2(fixture[name + ".decoded.bf16"], decoded));
  }
}

TEST(Vae, ThreadsNeverChangeABit) {
  Fixture fixture("models/toy-dev.vae.safetensors");
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    const Encoder encoder = toy_encoder(dtype);
    const Decoder decoder = toy_decoder(dtype);
    EXPECT_TRUE(same_bytes_on_any_thread_count(
        [&] { return encode(encoder, fixture["tall.image"]).mean; }));
    EXPECT_TRUE(
        same_bytes_on_any_thread_count([&] { return decode(decoder, fixture["tall.latents"]); }));
  }
}

TEST(Vae, ScalesAreInverse) {
  const Config config = toy_config();
  const at::Tensor z = normal({1, 16, 4, 4}, 1);
  EXPECT_NEAR(to_transformer_scale(config, at::ones({1})).item<double>(), (1 - 0.1159) * 0.3611,
              1e-7);
  EXPECT_LT(relative_l2(from_transformer_scale(config, to_transformer_scale(config, z)), z), 1e-6);
}

TEST(VaeParameters, NameExactlyTheTensorsOfTheReference) {
  const auto checkpoint = weights::Checkpoint::open(kFolder);
  std::set<std::string> names;
  for (const auto& parameter : parameters(toy_config())) {
    const auto* tensor = checkpoint.find(parameter.name);
    ASSERT_NE(tensor, nullptr) << parameter.name;
    EXPECT_EQ(tensor->shape, parameter.shape) << parameter.name;
    EXPECT_TRUE(names.insert(parameter.name).second) << parameter.name;
  }
  EXPECT_EQ(names.size(), checkpoint.tensors().size());
}

TEST(VaeConfig, RefusesWhatItCannotRunNamingTheKey) {
  const auto message = [](const std::string& key, const Json& value) -> std::string {
    Json json = config_to_json(Config());
    json[key] = value;
    return refusal_of([&] { config_from_json(json, "config.json"); });
  };
  EXPECT_EQ(message("latent_channels", 16), "accepted");
  EXPECT_THAT(message("block_out_channels", Json::array()), testing::HasSubstr("block_out"));
  EXPECT_THAT(message("block_out_channels", {128, 250}), testing::HasSubstr("norm_num_groups"));
  EXPECT_THAT(message("block_out_channels", {128, "x"}), testing::HasSubstr("norm_num_groups"));
  EXPECT_THAT(message("norm_num_groups", 0), testing::HasSubstr("norm_num_groups"));
  EXPECT_THAT(message("scaling_factor", 0), testing::HasSubstr("scaling_factor"));
  EXPECT_THAT(message("scaling_factor", nullptr), testing::HasSubstr("accepted"));
  EXPECT_THAT(message("act_fn", "relu"), testing::HasSubstr("act_fn"));
  EXPECT_THAT(message("in_channels", 4), testing::HasSubstr("in_channels"));
  EXPECT_THAT(message("down_block_types", {"AttnDownEncoderBlock2D"}),
              testing::HasSubstr("down_block_types"));
  EXPECT_THAT(message("_class_name", "AsymmetricAutoencoderKL"), testing::HasSubstr("Asymmetric"));
}

}  // namespace
}  // namespace iclora::vae
