#include "lora/adapter_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "refusal.h"
#include "scratch.h"
#include "weights/safetensors_writer.h"

namespace iclora::lora {
namespace {

using testing::HasSubstr;
using testing_support::refusal_of;
using testing_support::ScratchFolder;
using weights::Dtype;
using weights::TensorHead;

const std::string kQ = "transformer.transformer_blocks.0.attn.to_q";

AdapterFile read(const std::vector<TensorHead>& tensors,
                 const std::map<std::string, std::string>& metadata = {}, float fill = 0.5F) {
  const ScratchFolder scratch;
  weights::SafetensorsWriter writer(scratch / "x.safetensors", tensors, metadata);
  for (const TensorHead& tensor : tensors) {
    size_t count = 1;
    for (const int64_t axis : tensor.shape) count *= static_cast<size_t>(axis);
    const std::vector<float> values(count, fill);
    writer.append(std::as_bytes(std::span(values)));
  }
  writer.commit();
  return read_adapter(scratch / "x.safetensors");
}

std::string message_of(const std::vector<TensorHead>& tensors,
                       const std::map<std::string, std::string>& metadata = {}, float fill = 0.5F) {
  return refusal_of([&] { read(tensors, metadata, fill); });
}

std::vector<TensorHead> pair(int64_t rank = 4) {
  return {{kQ + ".lora_A.weight", Dtype::f32, {rank, 32}},
          {kQ + ".lora_B.weight", Dtype::f32, {48, rank}}};
}

TEST(ReadAdapter, FilesOfTheReferenceGiveTheirPairsAndScale) {
  // lora-a was saved by diffusers with alpha = 2 * rank, stated in the metadata alone.
  const AdapterFile adapter = read_adapter(ICLORA_FIXTURES "/models/lora-a.safetensors");
  EXPECT_EQ(adapter.pairs.size(), 2U * 14 + 3 * 6);
  for (const Pair& one : adapter.pairs) {
    EXPECT_EQ(one.rank, 2);
    EXPECT_EQ(one.scale, 2.0);
  }
  EXPECT_TRUE(adapter.unknown_keys.empty());
}

TEST(ReadAdapter, TheScaleIsAlphaElseTheMetadataElseOne) {
  EXPECT_EQ(read(pair()).pairs[0].scale, 1.0);
  auto with_alpha = pair();
  with_alpha.push_back({kQ + ".alpha", Dtype::f32, {}});
  EXPECT_EQ(read(with_alpha, {}, 6.0F).pairs[0].scale, 1.5);
  const auto metadata = [](const std::string& json) {
    return std::map<std::string, std::string>{{"lora_adapter_metadata", json}};
  };
  EXPECT_EQ(
      read(pair(), metadata(R"({"transformer.r":4,"transformer.lora_alpha":8})")).pairs[0].scale,
      2.0);
  EXPECT_EQ(read(pair(), metadata(R"({"transformer.lora_alpha":8,"transformer.use_rslora":true})"))
                .pairs[0]
                .scale,
            4.0);
  EXPECT_EQ(read(pair(), metadata(R"({"transformer.lora_alpha":8,
                                      "transformer.alpha_pattern":{"attn.to_q":2}})"))
                .pairs[0]
                .scale,
            0.5);
  // Keys of the table are regular expressions, as in PEFT.
  const auto of_pattern = [&](const std::string& key) {
    return read(pair(), metadata(R"({"transformer.lora_alpha":8,"transformer.alpha_pattern":{")" +
                                 key + R"(":2}})"))
        .pairs[0]
        .scale;
  };
  EXPECT_EQ(of_pattern(R"(^transformer_blocks\\.\\d+\\.attn\\.to_[qk])"), 0.5);
  EXPECT_EQ(of_pattern("to_(q|k)"), 0.5);
  EXPECT_EQ(of_pattern("o_[qk]"), 2.0);  // only after a dot
  EXPECT_EQ(of_pattern("attn"), 2.0);    // only up to the end
  EXPECT_EQ(of_pattern("(attn|ff)+.to_q"), 0.5);
  EXPECT_EQ(of_pattern(".*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*x"), 2.0);  // a matter of ages to some
  // An alpha in the file wins.
  EXPECT_EQ(read(with_alpha, metadata(R"({"transformer.lora_alpha":8})"), 6.0F).pairs[0].scale,
            1.5);
}

TEST(ReadAdapter, UnknownKeysAreListedAndTheRequestOfTrainingIsRead) {
  auto tensors = pair();
  tensors.push_back({"text_encoder.x.lora_A.weight", Dtype::f32, {1}});
  tensors.push_back({kQ + ".lora_magnitude_vector", Dtype::f32, {1}});
  const AdapterFile adapter = read(tensors, {{"iclora", R"({"grid":"3x1"})"}});
  EXPECT_THAT(adapter.unknown_keys, testing::UnorderedElementsAre("text_encoder.x.lora_A.weight",
                                                                  kQ + ".lora_magnitude_vector"));
  EXPECT_EQ((*adapter.iclora)["grid"], "3x1");
}

TEST(ReadAdapter, WhatIsBrokenNamesTheTensor) {
  EXPECT_EQ(message_of(pair()), "accepted");
  EXPECT_THAT(message_of({}), HasSubstr("no LoRA"));
  EXPECT_THAT(message_of({{"x", Dtype::f32, {1}}}), HasSubstr("'x'"));
  EXPECT_THAT(message_of({pair()[0]}), HasSubstr("lora_B is missing"));
  EXPECT_THAT(message_of({pair()[1]}), HasSubstr("lora_A is missing"));
  EXPECT_THAT(message_of({{kQ + ".alpha", Dtype::f32, {}}}), HasSubstr("lora_A is missing"));
  auto tensors = pair();
  tensors[1].shape = {48, 5};
  EXPECT_THAT(message_of(tensors), HasSubstr("do not belong together"));
  tensors = pair();
  tensors[0].shape = {4, 32, 1, 1};
  EXPECT_THAT(message_of(tensors), HasSubstr("must be a matrix"));
  tensors = pair();
  tensors[0].shape = {0, 32};
  EXPECT_THAT(message_of(tensors), HasSubstr("must be a matrix"));
  EXPECT_THAT(message_of(pair(33)), HasSubstr("above its layer's size"));
  tensors = pair();
  tensors.push_back({kQ + ".alpha", Dtype::f32, {2}});
  EXPECT_THAT(message_of(tensors), HasSubstr("one number"));
  tensors = pair();
  tensors.push_back({kQ + ".lora_A.default.weight", Dtype::f32, {4, 32}});
  EXPECT_THAT(message_of(tensors), HasSubstr("same half"));
  for (const char* key : {"(", R"((to_)\\1)", ".{0,99999}"}) {
    EXPECT_THAT(message_of(pair(), {{"lora_adapter_metadata",
                                     std::string(R"({"transformer.lora_alpha":8,)"
                                                 R"("transformer.alpha_pattern":{")") +
                                         key + R"(":2}})"}}),
                HasSubstr("regular expression"));
  }
  EXPECT_THAT(message_of(pair(), {{"lora_adapter_metadata", "{"}}),
              HasSubstr("lora_adapter_metadata"));
  EXPECT_THAT(message_of(pair(), {{"iclora", "{\"a\":1,\"a\":2}"}}), HasSubstr("twice"));
}

}  // namespace
}  // namespace iclora::lora
