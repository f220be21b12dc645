#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ATen/ATen.h>

#include <functional>

#include "refusal.h"
#include "runtime/file_weights.h"
#include "text/clip.h"
#include "text/t5.h"

namespace iclora::text {
namespace {

using testing_support::refusal_of;

const std::string kClip = ICLORA_FIXTURES "/text/clip";
const std::string kT5 = ICLORA_FIXTURES "/text/t5";

struct Case {
  std::string name;
  std::string expected;  ///< part of the message
  std::function<void()> action;
};

std::function<void()> clip_with(const std::string& key, const Json& value) {
  return [=] {
    Json json = read_json(kClip + "/config.json");
    if (value == "absent") {
      json.erase(key);
    } else {
      json[key] = value;
    }
    clip_config_from_json(json, "clip.json");
  };
}

std::function<void()> t5_with(const std::string& key, const Json& value) {
  return [=] {
    Json json = read_json(kT5 + "/config.json");
    if (value == "absent") {
      json.erase(key);
    } else {
      json[key] = value;
    }
    t5_config_from_json(json, "t5.json");
  };
}

/// Loads the weights under a config that is right but another model's.
std::function<void()> clip_sized(int64_t ClipConfig::*member, int64_t value) {
  return [=] {
    ClipConfig config = clip_config_from_json(read_json(kClip + "/config.json"), "clip.json");
    config.*member = value;
    runtime::FileWeights source(weights::Checkpoint::open(kClip + "/model.safetensors"));
    load_clip(source, config, at::kFloat);
  };
}

std::function<void()> t5_sized(int64_t T5Config::*member, int64_t value) {
  return [=] {
    T5Config config = t5_config_from_json(read_json(kT5 + "/config.json"), "t5.json");
    config.*member = value;
    runtime::FileWeights source(weights::Checkpoint::open(kT5 + "/model.safetensors"),
                                {{"shared.", "encoder.embed_tokens."}});
    load_t5(source, config, at::kFloat);
  };
}

void run_clip(const at::Tensor& ids) {
  runtime::FileWeights source(weights::Checkpoint::open(kClip + "/model.safetensors"));
  const ClipConfig config = clip_config_from_json(read_json(kClip + "/config.json"), "clip.json");
  clip_forward(load_clip(source, config, at::kFloat), ids);
}

void run_t5(const at::Tensor& ids) {
  runtime::FileWeights source(weights::Checkpoint::open(kT5 + "/model.safetensors"),
                              {{"shared.", "encoder.embed_tokens."}});
  const T5Config config = t5_config_from_json(read_json(kT5 + "/config.json"), "t5.json");
  t5_forward(load_t5(source, config, at::kFloat), ids);
}

std::vector<Case> cases() {
  return {
      {"ClipNotAnObject", "must hold a JSON object",
       [] { clip_config_from_json(Json::array(), "clip.json"); }},
      {"ClipOtherModel", "'siglip_text_model'", clip_with("model_type", "siglip_text_model")},
      {"ClipOtherActivation", "\"quick_gelu\" or \"gelu\"", clip_with("hidden_act", "relu")},
      {"ClipVocabularyEmpty", "vocab_size", clip_with("vocab_size", 0)},
      {"ClipWidthAsText", "hidden_size", clip_with("hidden_size", "24")},
      {"ClipWidthZero", "hidden_size", clip_with("hidden_size", 0)},
      {"ClipWidthAbsurd", "hidden_size", clip_with("hidden_size", int64_t{1} << 40)},
      {"ClipWidthBeyondIntegers", "hidden_size", clip_with("hidden_size", 18446744073709551615ULL)},
      {"ClipHeadsDoNotDivide", "does not divide by", clip_with("num_attention_heads", 5)},
      {"ClipHeadsZero", "num_attention_heads", clip_with("num_attention_heads", 0)},
      {"ClipNegativeLayers", "num_hidden_layers", clip_with("num_hidden_layers", -1)},
      {"ClipEpsilonZero", "layer_norm_eps", clip_with("layer_norm_eps", 0)},
      {"ClipEndOutsideVocabulary", "eos_token_id", clip_with("eos_token_id", 60)},
      {"ClipSeveralEnds", "eos_token_id", clip_with("eos_token_id", {58, 59})},
      {"T5NotAnObject", "must hold a JSON object", [] { t5_config_from_json(Json(3), "t5.json"); }},
      {"T5OtherModel", "'umt5'", t5_with("model_type", "umt5")},
      {"T5OtherActivation", "must be \"gated-gelu\"", t5_with("feed_forward_proj", "relu")},
      {"T5NoActivation", "feed_forward_proj", t5_with("feed_forward_proj", "absent")},
      {"T5HeadsZero", "num_heads", t5_with("num_heads", 0)},
      {"T5AbsurdLayers", "num_layers", t5_with("num_layers", 1000000)},
      {"T5FractionalWidth", "d_model", t5_with("d_model", 24.5)},
      {"T5TooFewBuckets", "relative_attention_num_buckets",
       t5_with("relative_attention_num_buckets", 2)},
      {"T5DistanceWithinExactBuckets", "relative_attention_max_distance",
       t5_with("relative_attention_max_distance", 2)},
      {"T5EpsilonAsText", "layer_norm_epsilon", t5_with("layer_norm_epsilon", "1e-6")},
      {"ClipWeightsOfAnotherWidth", "[60, 24], expected [60, 48]",
       clip_sized(&ClipConfig::hidden_size, 48)},
      {"ClipWeightsOfAnotherVocabulary", "expected [61, 24]",
       clip_sized(&ClipConfig::vocab_size, 61)},
      {"ClipWeightsOfFewerLayers", "encoder.layers.3.",
       clip_sized(&ClipConfig::num_hidden_layers, 4)},
      {"T5WeightsOfFewerLayers", "encoder.block.2.", t5_sized(&T5Config::num_layers, 3)},
      {"T5WeightsOfOtherBuckets", "relative_attention_bias",
       t5_sized(&T5Config::relative_attention_num_buckets, 32)},
      {"T5WeightsOfOtherHeads", "expected", t5_sized(&T5Config::num_heads, 6)},
      {"ClipIdOutsideVocabulary", "different models",
       [] {
         run_clip(at::full({1, 12}, 60, at::kLong));
       }},
      {"ClipTooManyTokens", "at most 12 tokens",
       [] {
         run_clip(at::ones({1, 13}, at::kLong));
       }},
      {"T5IdOutsideVocabulary", "70 embeddings",
       [] {
         run_t5(at::full({1, 5}, 70, at::kLong));
       }},
      {"T5NegativeId", "different models",
       [] {
         run_t5(at::full({1, 5}, -1, at::kLong));
       }},
  };
}

class TextBadInput : public testing::TestWithParam<Case> {};

TEST_P(TextBadInput, IsOneSentenceThatSaysWhat) {
  EXPECT_THAT(refusal_of(GetParam().action), testing::HasSubstr(GetParam().expected));
}

INSTANTIATE_TEST_SUITE_P(Table, TextBadInput, testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace iclora::text
