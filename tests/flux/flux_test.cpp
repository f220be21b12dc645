#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "fixtures.h"
#include "flux/latents.h"
#include "flux/transformer.h"
#include "nn/elementwise.h"
#include "refusal.h"
#include "tensors.h"
#include "trained.h"

namespace iclora::flux {
namespace {

using testing_support::Fixture;
using testing_support::normal;
using testing_support::refusal_of;
using testing_support::relative_l2;
using testing_support::same_bytes_on_any_thread_count;

// The bound for a module in fp32; what is measured is below 1e-6.
constexpr double kModuleTolerance = 1e-5;

struct Inputs {
  Query query;
  Context context;
};

Inputs inputs_of(Fixture& fixture, const std::string& name, const Config& config) {
  const at::Tensor size = fixture[name + ".size"];
  const at::Tensor text = fixture[name + ".text"];
  return {
      Query{
          fixture[name + ".latents"], fixture[name + ".timestep"], fixture[name + ".guidance"], {}},
      Context{text, fixture[name + ".pooled"],
              canvas_rope(config, text.size(1), size[0].item<int64_t>(), size[1].item<int64_t>())}};
}

class FluxParity : public testing::TestWithParam<std::tuple<std::string, std::string>> {
 protected:
  std::string model() const { return std::get<0>(GetParam()); }
  std::string name() const { return std::get<1>(GetParam()); }
  std::string folder() const { return ICLORA_FIXTURES "/models/" + model() + "/transformer"; }
  Transformer load(at::ScalarType dtype) const {
    return testing_support::transformer_from(folder(), dtype);
  }
};

TEST_P(FluxParity, EveryBlockEqualsTheReferenceInFp32) {
  Fixture fixture("models/" + model() + ".transformer.safetensors");
  const Transformer transformer = load(at::kFloat);
  const Inputs in = inputs_of(fixture, name(), transformer.config);

  const at::Tensor condition = condition_forward(transformer.time_text_embed, in.query.timestep,
                                                 in.query.guidance, in.context.pooled);
  EXPECT_LT(relative_l2(condition, fixture[name() + ".temb"]), kModuleTolerance);
  const Condition gate = {nn::silu_forward(fixture[name() + ".temb"]), {}, {}};

  // Each block is given the reference's own input, so that errors do not add up.
  Streams streams = {nn::linear_forward(transformer.x_embedder, in.query.latents),
                     nn::linear_forward(transformer.context_embedder, in.context.text)};
  for (size_t i = 0; i < transformer.transformer_blocks.size(); ++i) {
    const std::string key = fmt::format("{}.double.{}.", name(), i);
    const Streams out =
        double_block_forward(transformer.transformer_blocks[i], streams, gate, in.context.rope);
    streams = {fixture[key + "image"], fixture[key + "text"]};
    EXPECT_LT(relative_l2(out.image, streams.image), kModuleTolerance) << key;
    EXPECT_LT(relative_l2(out.text, streams.text), kModuleTolerance) << key;
  }
  at::Tensor x = at::cat({streams.text, streams.image}, 1);
  for (size_t i = 0; i < transformer.single_transformer_blocks.size(); ++i) {
    const std::string key = fmt::format("{}.single.{}.", name(), i);
    const at::Tensor out = single_block_forward(transformer.single_transformer_blocks[i], x,
                                                streams.text.size(1), gate, in.context.rope);
    x = at::cat({fixture[key + "text"], fixture[key + "image"]}, 1);
    EXPECT_LT(relative_l2(out, x), kModuleTolerance) << key;
  }
}

TEST_P(FluxParity, TheWholeTransformerEqualsTheReferenceInFp32) {
  Fixture fixture("models/" + model() + ".transformer.safetensors");
  const Transformer transformer = load(at::kFloat);
  const Inputs in = inputs_of(fixture, name(), transformer.config);
  EXPECT_LT(relative_l2(transformer_forward(transformer, in.query, in.context),
                        fixture[name() + ".output"]),
            kModuleTolerance);
}

TEST_P(FluxParity, InBf16TheErrorIsAtMostOneAndAHalfTimesTheReferences) {
  Fixture fixture("models/" + model() + ".transformer.safetensors");
  const Transformer transformer = load(at::kBFloat16);
  const Inputs in = inputs_of(fixture, name(), transformer.config);
  const at::Tensor exact = fixture[name() + ".output"];
  const double ours = relative_l2(transformer_forward(transformer, in.query, in.context), exact);
  EXPECT_LT(ours, 1.5 * relative_l2(fixture[name() + ".output.bf16"], exact));
}

TEST_P(FluxParity, ThreadsNeverChangeABit) {
  Fixture fixture("models/" + model() + ".transformer.safetensors");
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    const Transformer transformer = load(dtype);
    const Inputs in = inputs_of(fixture, name(), transformer.config);
    EXPECT_TRUE(same_bytes_on_any_thread_count(
        [&] { return transformer_forward(transformer, in.query, in.context); }));
  }
}

INSTANTIATE_TEST_SUITE_P(Toys, FluxParity,
                         testing::Combine(testing::Values("toy-dev", "toy-schnell"),
                                          testing::Values("square", "wide")),
                         [](const auto& one) {
                           std::string name = std::get<0>(one.param) + "_" + std::get<1>(one.param);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(FluxParameters, NameExactlyTheTensorsOfTheReference) {
  for (const std::string model : {"toy-dev", "toy-schnell"}) {
    const std::string folder = ICLORA_FIXTURES "/models/" + model + "/transformer";
    const auto checkpoint = weights::Checkpoint::open(folder);
    std::set<std::string> listed;
    for (const auto& parameter :
         parameters(config_from_json(read_json(folder + "/config.json"), "config.json"))) {
      EXPECT_TRUE(listed.insert(parameter.name).second) << parameter.name;
      const auto* tensor = checkpoint.find(parameter.name);
      ASSERT_NE(tensor, nullptr) << parameter.name;
      EXPECT_EQ(tensor->shape, parameter.shape) << parameter.name;
    }
    EXPECT_EQ(listed.size(), checkpoint.tensors().size());
  }
}

// The published model has 11,901,408,320 parameters.
TEST(FluxParameters, TheDefaultsAreFlux1Dev) {
  int64_t count = 0;
  for (const auto& parameter : parameters(Config())) count += parameter.element_count();
  EXPECT_EQ(count, 11'901'408'320);
}

TEST(FluxConfig, RoundTripsThroughJson) {
  const Config config = config_from_json(
      read_json(ICLORA_FIXTURES "/models/toy-schnell/transformer/config.json"), "config.json");
  EXPECT_FALSE(config.guidance_embeds);
  EXPECT_EQ(config_to_json(config_from_json(config_to_json(config), "again")),
            config_to_json(config));
}

TEST(FluxConfig, RefusesWhatItCannotRunNamingTheKey) {
  const Json good = config_to_json(Config());
  const auto message = [&](const std::string& key, const Json& value) -> std::string {
    Json bad = good;
    bad[key] = value;
    return refusal_of([&] { config_from_json(bad, "config.json"); });
  };
  EXPECT_THAT(message("axes_dims_rope", {16, 56, 57}), testing::HasSubstr("axes_dims_rope"));
  EXPECT_THAT(message("axes_dims_rope", {16, 56}), testing::HasSubstr("axes_dims_rope"));
  EXPECT_THAT(message("axes_dims_rope", "wide"), testing::HasSubstr("axes_dims_rope"));
  EXPECT_THAT(message("attention_head_dim", 64), testing::HasSubstr("must be equal"));
  EXPECT_THAT(message("num_layers", -1), testing::HasSubstr("num_layers"));
  EXPECT_THAT(message("num_layers", "two"), testing::HasSubstr("num_layers"));
  EXPECT_THAT(message("num_attention_heads", 0), testing::HasSubstr("num_attention_heads"));
  EXPECT_THAT(message("num_attention_heads", 1 << 30), testing::HasSubstr("num_attention_heads"));
  EXPECT_THAT(message("in_channels", 62), testing::HasSubstr("in_channels"));
  EXPECT_THAT(message("in_channels", 384), testing::HasSubstr("accepted"));
  EXPECT_THAT(message("out_channels", 32), testing::HasSubstr("out_channels"));
  EXPECT_THAT(message("patch_size", 2), testing::HasSubstr("patch_size"));
  EXPECT_THAT(message("guidance_embeds", 1), testing::HasSubstr("guidance_embeds"));
  EXPECT_THAT(message("_class_name", "SD3Transformer2DModel"), testing::HasSubstr("SD3"));
}

TEST(Latents, UnpackingUndoesPackingAndTokensAreTwoByTwo) {
  const at::Tensor latents = normal({2, 16, 6, 10}, 1);
  const at::Tensor packed = pack_latents(latents);
  EXPECT_EQ(packed.sizes(), (std::vector<int64_t>{2, 15, 64}));
  EXPECT_TRUE(at::equal(unpack_latents(packed, 6, 10), latents));
  // Token (1, 2) of channel 3: rows 2 and 3, columns 4 and 5.
  EXPECT_TRUE(at::equal(packed[0][1 * 5 + 2].slice(0, 12, 16),
                        latents[0][3].slice(0, 2, 4).slice(1, 4, 6).flatten()));
}

TEST(Linears, EveryOneOfTheBlocksIsOfferedToAdapters) {
  runtime::FileWeights source(
      weights::Checkpoint::open(ICLORA_FIXTURES "/models/toy-dev/transformer"));
  const Config config = config_from_json(
      read_json(ICLORA_FIXTURES "/models/toy-dev/transformer/config.json"), "config.json");
  Transformer transformer = load_transformer(source, config, at::kFloat);
  std::set<std::string> names;
  int in_blocks = 0;
  for_each_linear(transformer, [&](nn::Linear& layer) {
    EXPECT_TRUE(names.insert(layer.name).second) << layer.name;
    if (layer.name.find("transformer_blocks") != std::string::npos) ++in_blocks;
  });
  EXPECT_EQ(in_blocks, 14 * config.num_layers + 6 * config.num_single_layers);
}

}  // namespace
}  // namespace iclora::flux
