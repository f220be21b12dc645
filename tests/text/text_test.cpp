#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "fixtures.h"
#include "refusal.h"
#include "tensors.h"
#include "text/clip.h"
#include "text/t5.h"

namespace iclora::text {
namespace {

using testing_support::Fixture;
using testing_support::refusal_of;
using testing_support::relative_l2;
using testing_support::same_bytes_on_any_thread_count;

// The bound for a module in fp32.
constexpr double kModuleTolerance = 1e-5;

class TextParity : public testing::TestWithParam<std::string> {
 protected:
  std::string folder() const { return ICLORA_FIXTURES "/models/" + GetParam(); }
  Fixture fixture() const { return Fixture("models/" + GetParam() + ".text.safetensors"); }
  ClipEncoder clip(at::ScalarType dtype) const {
    runtime::FileWeights source(weights::Checkpoint::open(folder() + "/text_encoder"),
                                {{"text_model.", ""}});
    return load_clip(source,
                     clip_config_from_json(read_json(folder() + "/text_encoder/config.json"), "c"),
                     dtype);
  }
  T5Encoder t5(at::ScalarType dtype) const {
    runtime::FileWeights source(weights::Checkpoint::open(folder() + "/text_encoder_2"),
                                {{"shared.", "encoder.embed_tokens."}});
    return load_t5(source,
                   t5_config_from_json(read_json(folder() + "/text_encoder_2/config.json"), "c"),
                   dtype);
  }
};

TEST_P(TextParity, ClipEqualsTheReferenceOnShortEmptyAndOverlongPrompts) {
  Fixture expected = fixture();
  const ClipEncoder encoder = clip(at::kFloat);
  const ClipEncoder half = clip(at::kBFloat16);
  for (const std::string prompt : {"0", "1", "2", "3"}) {
    const at::Tensor ids = expected[prompt + ".clip_ids"];
    const ClipStates states = clip_forward(encoder, ids);
    EXPECT_LT(relative_l2(states.hidden, expected[prompt + ".clip_hidden"]), kModuleTolerance);
    const at::Tensor pooled = expected[prompt + ".clip_pooled"];
    EXPECT_LT(relative_l2(states.pooled, pooled), kModuleTolerance) << prompt;
    EXPECT_LT(relative_l2(clip_forward(half, ids).pooled, pooled),
              1.5 * relative_l2(expected[prompt + ".clip_pooled.bf16"], pooled));
  }
}

TEST_P(TextParity, T5EqualsTheReferenceAtSeveralLengthsWithItsPaddingKept) {
  Fixture expected = fixture();
  const T5Encoder encoder = t5(at::kFloat);
  const T5Encoder half = t5(at::kBFloat16);
  int compared = 0;
  for (int prompt = 0; prompt < 4; ++prompt) {
    for (const int length : {16, 64, 128}) {
      const std::string key = fmt::format("{}.t5.{}", prompt, length);
      if (!expected.contains(key)) continue;
      ++compared;
      const at::Tensor ids = expected[fmt::format("{}.t5_ids.{}", prompt, length)];
      const at::Tensor states = expected[key];
      EXPECT_LT(relative_l2(t5_forward(encoder, ids), states), kModuleTolerance) << key;
      EXPECT_LT(relative_l2(t5_forward(half, ids), states),
                1.5 * relative_l2(expected[key + ".bf16"], states))
          << key;
    }
  }
  EXPECT_EQ(compared, 8);
}

TEST_P(TextParity, ThreadsNeverChangeABit) {
  Fixture expected = fixture();
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    const ClipEncoder clip_encoder = clip(dtype);
    EXPECT_TRUE(same_bytes_on_any_thread_count(
        [&] { return clip_forward(clip_encoder, expected["1.clip_ids"]).pooled; }));
    const T5Encoder t5_encoder = t5(dtype);
    EXPECT_TRUE(same_bytes_on_any_thread_count(
        [&] { return t5_forward(t5_encoder, expected["1.t5_ids.128"]); }));
  }
}

TEST_P(TextParity, ParametersNameExactlyTheTensorsOfTheReference) {
  const auto check = [](const std::vector<weights::ParameterSpec>& list,
                        const weights::Checkpoint& checkpoint, const std::string& strip) {
    std::set<std::string> names;
    for (const auto& parameter : list) {
      std::string name = parameter.name;
      const auto* tensor = checkpoint.find(name);
      if (tensor == nullptr && name.starts_with(strip)) {
        tensor = checkpoint.find(name.substr(strip.size()));
      }
      ASSERT_NE(tensor, nullptr) << name;
      EXPECT_EQ(tensor->shape, parameter.shape) << name;
      names.insert(tensor->name);
    }
    for (const auto& [name, tensor] : checkpoint.tensors()) {
      EXPECT_TRUE(names.contains(name) || name == "encoder.embed_tokens.weight") << name;
    }
  };
  check(parameters(clip_config_from_json(read_json(folder() + "/text_encoder/config.json"), "c")),
        weights::Checkpoint::open(folder() + "/text_encoder"), "text_model.");
  check(parameters(t5_config_from_json(read_json(folder() + "/text_encoder_2/config.json"), "c")),
        weights::Checkpoint::open(folder() + "/text_encoder_2"), "");
}

INSTANTIATE_TEST_SUITE_P(Toys, TextParity, testing::Values("toy-dev", "toy-schnell"),
                         [](const auto& one) {
                           return one.param == "toy-dev" ? "dev" : "schnell";
                         });

TEST(TextConfigs, RefuseWhatTheyCannotRunNamingTheKey) {
  const auto clip = [](const std::string& key, const Json& value) -> std::string {
    Json json = clip_config_to_json(ClipConfig());
    json[key] = value;
    return refusal_of([&] { clip_config_from_json(json, "config.json"); });
  };
  const auto t5 = [](const std::string& key, const Json& value) -> std::string {
    Json json = t5_config_to_json(T5Config());
    json[key] = value;
    return refusal_of([&] { t5_config_from_json(json, "config.json"); });
  };
  EXPECT_EQ(clip("hidden_size", 768), "accepted");
  EXPECT_THAT(clip("hidden_size", 770), testing::HasSubstr("does not divide"));
  EXPECT_THAT(clip("hidden_size", "wide"), testing::HasSubstr("hidden_size"));
  EXPECT_THAT(clip("hidden_act", "relu"), testing::HasSubstr("hidden_act"));
  EXPECT_THAT(clip("vocab_size", 0), testing::HasSubstr("vocab_size"));
  EXPECT_THAT(clip("num_hidden_layers", 1e30), testing::HasSubstr("num_hidden_layers"));
  EXPECT_THAT(clip("num_attention_heads", 0), testing::HasSubstr("num_attention_heads"));
  EXPECT_THAT(clip("layer_norm_eps", "small"), testing::HasSubstr("layer_norm_eps"));
  EXPECT_EQ(t5("d_model", 4096), "accepted");
  EXPECT_THAT(t5("feed_forward_proj", "relu"), testing::HasSubstr("gated-gelu"));
  EXPECT_THAT(t5("d_model", -1), testing::HasSubstr("d_model"));
  EXPECT_THAT(t5("num_layers", 0), testing::HasSubstr("num_layers"));
  EXPECT_EQ(t5("relative_attention_num_buckets", 30), "accepted");
  EXPECT_THAT(t5("relative_attention_num_buckets", 3), testing::HasSubstr("num_buckets"));
  EXPECT_THAT(t5("relative_attention_max_distance", 8), testing::HasSubstr("max_distance"));
}

}  // namespace
}  // namespace iclora::text
