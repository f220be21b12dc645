#include <gtest/gtest.h>

#include "fixtures.h"
#include "runtime/file_weights.h"
#include "tensors.h"
#include "vae/autoencoder.h"

namespace iclora::vae {
namespace {

using testing_support::Fixture;
using testing_support::normal;
using testing_support::relative_l2;
using testing_support::same_bytes_on_any_thread_count;

// The bound for a module in fp32.
constexpr double kModuleTolerance = 1e-5;
// The bound in bf16: this times the error that the reference makes there.
constexpr double kRoundedFactor = 1.5;

struct Dump {
  std::string name;
  std::string folder;    ///< config.json and the weights
  std::string expected;  ///< below the fixtures
  std::string prefix;    ///< of the tensors
};

std::vector<Dump> dumps() {
  const std::string root = ICLORA_FIXTURES "/";
  return {
      {"DevSquare", root + "models/toy-dev/vae", "models/toy-dev.vae.safetensors", "square."},
      {"DevTall", root + "models/toy-dev/vae", "models/toy-dev.vae.safetensors", "tall."},
      {"SchnellSquare", root + "models/toy-schnell/vae", "models/toy-schnell.vae.safetensors",
       "square."},
      {"SchnellTall", root + "models/toy-schnell/vae", "models/toy-schnell.vae.safetensors",
       "tall."},
      {"QuantConvs", root + "vae/quant-convs", "vae/quant-convs/expected.safetensors", ""},
      {"NoAttention", root + "vae/no-attention", "vae/no-attention/expected.safetensors", ""},
  };
}

Config config_of(const Dump& dump) {
  return config_from_json(read_json(dump.folder + "/config.json"), "config.json");
}

runtime::FileWeights source_of(const Dump& dump) {
  const bool small = std::filesystem::exists(dump.folder + "/model.safetensors");
  return runtime::FileWeights(
      weights::Checkpoint::open(dump.folder + (small ? "/model.safetensors" : "")));
}

Encoder encoder_of(const Dump& dump, at::ScalarType dtype) {
  runtime::FileWeights source = source_of(dump);
  return load_encoder(source, config_of(dump), dtype);
}

Decoder decoder_of(const Dump& dump, at::ScalarType dtype) {
  runtime::FileWeights source = source_of(dump);
  return load_decoder(source, config_of(dump), dtype);
}

class VaeParity : public testing::TestWithParam<Dump> {};

TEST_P(VaeParity, EqualsTheReferenceInFp32) {
  const Dump& dump = GetParam();
  Fixture fixture(dump.expected);
  const Posterior posterior = encode(encoder_of(dump, at::kFloat), fixture[dump.prefix + "image"]);
  EXPECT_LT(relative_l2(posterior.mean, fixture[dump.prefix + "mean"]), kModuleTolerance);
  EXPECT_LT(relative_l2(posterior.logvar, fixture[dump.prefix + "logvar"]), kModuleTolerance);
  const at::Tensor decoded = decode(decoder_of(dump, at::kFloat), fixture[dump.prefix + "latents"]);
  EXPECT_LT(relative_l2(decoded, fixture[dump.prefix + "decoded"]), kModuleTolerance);
}

TEST_P(VaeParity, IsNoFurtherFromFp32InBf16ThanTheReference) {
  const Dump& dump = GetParam();
  Fixture fixture(dump.expected);
  const at::Tensor mean =
      encode(encoder_of(dump, at::kBFloat16), fixture[dump.prefix + "image"]).mean;
  const at::Tensor exact_mean = fixture[dump.prefix + "mean"];
  EXPECT_EQ(mean.scalar_type(), at::kFloat);
  EXPECT_LT(relative_l2(mean, exact_mean),
            kRoundedFactor * relative_l2(fixture[dump.prefix + "mean.bf16"], exact_mean));
  const at::Tensor decoded =
      decode(decoder_of(dump, at::kBFloat16), fixture[dump.prefix + "latents"]);
  const at::Tensor exact = fixture[dump.prefix + "decoded"];
  EXPECT_EQ(decoded.scalar_type(), at::kFloat);
  EXPECT_LT(relative_l2(decoded, exact),
            kRoundedFactor * relative_l2(fixture[dump.prefix + "decoded.bf16"], exact));
}

INSTANTIATE_TEST_SUITE_P(Dumps, VaeParity, testing::ValuesIn(dumps()),
                         [](const auto& test) { return test.param.name; });

TEST(Autoencoder, ScalesAsTheTransformerWantsItAndBack) {
  Config config;
  config.scaling_factor = 0.5;
  config.shift_factor = -0.25;
  const at::Tensor z = at::tensor({1.0F, -2.0F});
  EXPECT_TRUE(at::allclose(to_transformer_scale(config, z), at::tensor({0.625F, -0.875F})));
  EXPECT_TRUE(at::allclose(from_transformer_scale(config, to_transformer_scale(config, z)), z));
}

// Sizes beyond the kernels' tiles, odd rows and columns.
TEST(Autoencoder, ThreadsNeverChangeABit) {
  for (const Dump& dump : dumps()) {
    for (const auto dtype : {at::kFloat, at::kBFloat16}) {
      const Decoder decoder = decoder_of(dump, dtype);
      const Encoder encoder = encoder_of(dump, dtype);
      const at::Tensor z = normal({1, decoder.config.latent_channels, 33, 21}, 1);
      EXPECT_TRUE(same_bytes_on_any_thread_count([&] { return decode(decoder, z); })) << dump.name;
      const int64_t scale = decoder.config.downscale();
      const at::Tensor image = normal({2, 3, 17 * scale, 24 * scale}, 2);
      EXPECT_TRUE(same_bytes_on_any_thread_count([&] { return encode(encoder, image).mean; }))
          << dump.name;
    }
  }
}

struct Recorder final : nn::WeightSource {
  bool contains(std::string_view) const override { return true; }
  at::Tensor get(std::string_view name, const std::vector<int64_t>& shape,
                 at::ScalarType dtype) override {
    asked.emplace(std::string(name), shape);
    given.push_back(normal(shape, asked.size()).to(dtype).set_requires_grad(true));
    return given.back();
  }
  std::map<std::string, std::vector<int64_t>> asked;
  std::vector<at::Tensor> given;
};

TEST(Parameters, AreTheTensorsThatLoadingAsksFor) {
  for (const Dump& dump : dumps()) {
    Recorder recorder;
    load_encoder(recorder, config_of(dump), at::kFloat);
    load_decoder(recorder, config_of(dump), at::kFloat);
    std::map<std::string, std::vector<int64_t>> listed;
    for (const auto& parameter : parameters(config_of(dump))) {
      listed[parameter.name] = parameter.shape;
    }
    EXPECT_EQ(recorder.asked, listed) << dump.name;
  }
}

// diffusers' AutoencoderKL with FLUX.1's config has 83,819,683 parameters.
TEST(Parameters, OfFlux1AddUpToTheReferencesNumber) {
  int64_t count = 0;
  for (const auto& parameter : parameters(Config{})) count += parameter.element_count();
  EXPECT_EQ(count, 83'819'683);
}

// A later training from nothing differentiates the same forward.
TEST(Autoencoder, GradientsReachEveryWeight) {
  for (const Dump& dump : dumps()) {
    Recorder recorder;
    const Encoder encoder = load_encoder(recorder, config_of(dump), at::kFloat);
    const Decoder decoder = load_decoder(recorder, config_of(dump), at::kFloat);
    const int64_t scale = encoder.config.downscale();
    const Posterior posterior = encode(encoder, normal({1, 3, 2 * scale, 3 * scale}, 9));
    const at::Tensor pixels = decode(decoder, posterior.mean);
    (pixels.square().mean() + posterior.logvar.square().mean()).backward();
    for (const at::Tensor& weight : recorder.given) EXPECT_TRUE(weight.grad().defined());
  }
}

TEST(Config, IsReadBackAsItWasWritten) {
  for (const Dump& dump : dumps()) {
    const Config config = config_of(dump);
    const Config again = config_from_json(config_to_json(config), "again");
    EXPECT_EQ(config_to_json(again), config_to_json(config));
    EXPECT_EQ(again.scaling_factor, config.scaling_factor);
    EXPECT_EQ(again.use_quant_conv, config.use_quant_conv);
  }
}

}  // namespace
}  // namespace iclora::vae
