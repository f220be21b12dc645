#include "lora/convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "refusal.h"
#include "scratch.h"
#include "weights/floats.h"
#include "weights/safetensors_writer.h"

namespace iclora::lora {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::refusal_of;
using testing_support::ScratchFolder;
using weights::Dtype;

const fs::path kLora = ICLORA_FIXTURES "/models/lora-a.safetensors";

/// One tensor of a file; element i is its number there times `step`, so that no two parts are
/// alike.
struct Made {
  std::string name;
  std::vector<int64_t> shape;
  Dtype dtype = Dtype::f32;
  float step = 0.25F;
};

void write(const fs::path& file, const std::vector<Made>& tensors,
           const std::map<std::string, std::string>& metadata = {}) {
  std::vector<weights::TensorHead> heads;
  for (const Made& one : tensors) heads.push_back({one.name, one.dtype, one.shape});
  weights::SafetensorsWriter writer(file, heads, metadata);
  for (const Made& one : tensors) {
    size_t count = 1;
    for (const int64_t axis : one.shape) count *= static_cast<size_t>(axis);
    std::vector<float> values(count);
    for (size_t i = 0; i < count; ++i) values[i] = static_cast<float>(i % 61 + 1) * one.step;
    writer.append(weights::to_bytes(values, one.dtype));
  }
  writer.commit();
}

/// scale * B A of every module, row by row.
std::map<std::string, std::vector<double>> updates(const fs::path& file) {
  const AdapterFile adapter = read_adapter(file);
  std::map<std::string, std::vector<double>> out;
  for (const Pair& pair : adapter.pairs) {
    const auto value = [&](const Block& block, int64_t row, int64_t column) {
      const weights::StoredTensor& stored = *adapter.checkpoint.find(block.key);
      if (block.halves_swapped) row = (row + block.rows / 2) % block.rows;
      const auto index = (block.row + row) * stored.shape[1] + block.column + column;
      return static_cast<double>(weights::to_floats(stored)[static_cast<size_t>(index)]);
    };
    std::vector<double>& update = out[pair.module];
    for (int64_t i = 0; i < pair.out_features; ++i) {
      for (int64_t j = 0; j < pair.in_features; ++j) {
        double sum = 0;
        for (int64_t r = 0; r < pair.rank; ++r) sum += value(pair.b, i, r) * value(pair.a, r, j);
        update.push_back(sum * pair.scale);
      }
    }
  }
  return out;
}

void expect_same_updates(const fs::path& found, const fs::path& expected) {
  const auto a = updates(found), b = updates(expected);
  for (const auto& [module, values] : b) {
    ASSERT_TRUE(a.contains(module)) << module;
    ASSERT_EQ(a.at(module).size(), values.size()) << module;
    for (size_t i = 0; i < values.size(); ++i) {
      // Values that are exact in fp32, but for a scale that is folded into them.
      ASSERT_NEAR(a.at(module)[i], values[i], 1e-6 * (1 + std::abs(values[i]))) << module;
    }
  }
  EXPECT_EQ(a.size(), b.size());
}

class Convert : public testing::Test {
 protected:
  fs::path converted(const fs::path& in, Target to, bool allow_unmatched = false) {
    const fs::path out = scratch_ / ("out" + std::to_string(++count_) + ".safetensors");
    convert_adapter(read_adapter(in), to, out, allow_unmatched);
    return out;
  }
  ScratchFolder scratch_;
  int count_ = 0;
};

std::vector<std::string> names(const fs::path& file) {
  std::vector<std::string> out;
  const auto checkpoint = weights::Checkpoint::open(file);
  for (const auto& [name, tensor] : checkpoint.tensors()) out.push_back(name);
  return out;
}

std::vector<int64_t> shape(const fs::path& file, const std::string& name) {
  const auto checkpoint = weights::Checkpoint::open(file);
  const weights::StoredTensor* found = checkpoint.find(name);
  EXPECT_NE(found, nullptr) << name;
  return found == nullptr ? std::vector<int64_t>{-1} : found->shape;
}

TEST_F(Convert, EveryLayoutMeansTheSameAndLeadsBack) {
  // 2 double and 3 single blocks, all layers, rank 2, scale 2.
  const fs::path kohya = converted(kLora, Target::kohya);
  EXPECT_EQ(read_adapter(kohya).layout, "kohya");
  EXPECT_EQ(names(kohya).size(), 3U * (2 * 10 + 3 * 3));
  EXPECT_EQ(shape(kohya, "lora_unet_double_blocks_1_txt_attn_qkv.lora_down.weight")[0], 6);
  EXPECT_EQ(shape(kohya, "lora_unet_single_blocks_2_linear1.lora_up.weight")[1], 8);
  expect_same_updates(kohya, kLora);

  const fs::path comfyui = converted(kohya, Target::comfyui);
  EXPECT_EQ(read_adapter(comfyui).layout, "comfyui");
  expect_same_updates(comfyui, kLora);

  // In the end every layer has its own rank again.
  const fs::path back = converted(comfyui, Target::diffusers);
  EXPECT_EQ(names(back), names(kLora));
  expect_same_updates(back, kLora);
  for (const Pair& pair : read_adapter(back).pairs) {
    EXPECT_EQ(pair.rank, 2) << pair.module;
    EXPECT_EQ(pair.scale, 1.0) << pair.module;
  }
}

TEST_F(Convert, WhatSharesItsAKeepsIt) {
  write(scratch_ / "in.safetensors",
        {{"lora_unet_double_blocks_0_img_attn_qkv.alpha", {}, Dtype::f32, 3.0F},
         {"lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight", {4, 8}},
         {"lora_unet_double_blocks_0_img_attn_qkv.lora_up.weight", {24, 4}}});
  const fs::path comfyui = converted(scratch_ / "in.safetensors", Target::comfyui);
  EXPECT_THAT(names(comfyui),
              ElementsAre("diffusion_model.double_blocks.0.img_attn.qkv.alpha",
                          "diffusion_model.double_blocks.0.img_attn.qkv.lora_A.weight",
                          "diffusion_model.double_blocks.0.img_attn.qkv.lora_B.weight"));
  EXPECT_THAT(shape(comfyui, "diffusion_model.double_blocks.0.img_attn.qkv.lora_A.weight"),
              ElementsAre(4, 8));
  expect_same_updates(comfyui, scratch_ / "in.safetensors");
  // Also by way of three files' worth of names.
  const fs::path diffusers = converted(comfyui, Target::diffusers);
  EXPECT_EQ(names(diffusers).size(), 6U);
  expect_same_updates(converted(diffusers, Target::kohya), scratch_ / "in.safetensors");
  EXPECT_THAT(shape(converted(diffusers, Target::kohya),
                    "lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight"),
              ElementsAre(4, 8));
}

TEST_F(Convert, PartsThatAreMissingHaveRowsOfZeros) {
  const std::string block = "transformer.single_transformer_blocks.0.";
  const auto with = [&](const std::vector<Made>& tensors) {
    write(scratch_ / "in.safetensors", tensors);
    const fs::path out = converted(scratch_ / "in.safetensors", Target::kohya);
    // The zeros are updates now, of nothing.
    auto found = updates(out);
    for (const auto& [module, values] : updates(scratch_ / "in.safetensors")) {
      EXPECT_EQ(found[module], values) << module;
      found.erase(module);
    }
    for (const auto& [module, values] : found) EXPECT_THAT(values, testing::Each(0.0)) << module;
    return shape(out, "lora_unet_single_blocks_0_linear1.lora_up.weight");
  };
  const Made k_a{block + "attn.to_k.lora_A.weight", {2, 8}};
  const Made k_b{block + "attn.to_k.lora_B.weight", {8, 2}};
  EXPECT_THAT(with({k_a, k_b}), ElementsAre(24 + 32, 2));
  // The file tells how wide the MLP is, with other ranks beside.
  EXPECT_THAT(with({k_a,
                    k_b,
                    {block + "attn.to_v.lora_A.weight", {3, 8}},
                    {block + "attn.to_v.lora_B.weight", {8, 3}},
                    {block + "proj_out.lora_A.weight", {2, 24}},
                    {block + "proj_out.lora_B.weight", {8, 2}}}),
              ElementsAre(24 + 16, 5));
}

TEST_F(Convert, PartsOfDifferentScalesHaveThemInTheirB) {
  const std::string block = "transformer.transformer_blocks.0.attn.";
  write(scratch_ / "in.safetensors", {{block + "to_q.alpha", {}, Dtype::f32, 1.0F},
                                      {block + "to_q.lora_A.weight", {2, 8}},
                                      {block + "to_q.lora_B.weight", {8, 2}},
                                      {block + "to_k.alpha", {}, Dtype::f32, 6.0F},
                                      {block + "to_k.lora_A.weight", {2, 8}},
                                      {block + "to_k.lora_B.weight", {8, 2}},
                                      {block + "to_v.lora_A.weight", {1, 8}},
                                      {block + "to_v.lora_B.weight", {8, 1}}});
  expect_same_updates(converted(scratch_ / "in.safetensors", Target::comfyui),
                      scratch_ / "in.safetensors");
}

TEST_F(Convert, TheLastModulationsHalvesChangePlacesAndBack) {
  write(scratch_ / "in.safetensors", {{"transformer.norm_out.linear.lora_A.weight", {1, 4}},
                                      {"transformer.norm_out.linear.lora_B.weight", {8, 1}}});
  const fs::path kohya = converted(scratch_ / "in.safetensors", Target::kohya);
  const auto checkpoint = weights::Checkpoint::open(kohya);
  EXPECT_THAT(weights::to_floats(
                  *checkpoint.find("lora_unet_final_layer_adaLN_modulation_1.lora_up.weight")),
              ElementsAre(1.25F, 1.5F, 1.75F, 2.0F, 0.25F, 0.5F, 0.75F, 1.0F));
  expect_same_updates(kohya, scratch_ / "in.safetensors");
  expect_same_updates(converted(kohya, Target::diffusers), scratch_ / "in.safetensors");
  expect_same_updates(converted(kohya, Target::comfyui), scratch_ / "in.safetensors");
}

TEST_F(Convert, DtypesStayAndMetadataIsTrue) {
  const std::string text = "transformer.transformer_blocks.0.attn.to_add_out.";
  const std::string out = "transformer.transformer_blocks.0.attn.to_out.0.";
  write(scratch_ / "in.safetensors",
        {{text + "lora_A.weight", {2, 8}, Dtype::bf16},
         {text + "lora_B.weight", {8, 2}, Dtype::bf16},
         {out + "lora_A.weight", {3, 8}, Dtype::f16},
         {out + "lora_B.weight", {8, 3}, Dtype::f16}},
        {{"iclora", R"({"grid":"3x1"})"},
         {"lora_adapter_metadata", R"({"transformer.r":2,"transformer.lora_alpha":4})"},
         {"modelspec.sai_model_spec", "1.0.1"},
         {"sshs_model_hash", "of other tensors"}});
  const fs::path kohya = converted(scratch_ / "in.safetensors", Target::kohya);
  const auto stored = weights::Checkpoint::open(kohya);
  EXPECT_EQ(stored.find("lora_unet_double_blocks_0_txt_attn_proj.lora_up.weight")->dtype,
            Dtype::bf16);
  EXPECT_EQ(stored.find("lora_unet_double_blocks_0_img_attn_proj.lora_up.weight")->dtype,
            Dtype::f16);
  EXPECT_EQ(stored.metadata().at("iclora"), R"({"grid":"3x1"})");
  EXPECT_FALSE(stored.metadata().contains("lora_adapter_metadata"));
  EXPECT_FALSE(stored.metadata().contains("sshs_model_hash"));
  EXPECT_THAT(stored.metadata().at("modelspec.implementation"), HasSubstr("black-forest-labs"));
  expect_same_updates(kohya, scratch_ / "in.safetensors");

  // What PEFT is told agrees with what is there: of every module alpha is the rank.
  const fs::path plain = converted(kohya, Target::diffusers);
  const auto metadata = weights::Checkpoint::open(plain).metadata();
  const Json settings = Json::parse(metadata.at("lora_adapter_metadata"));
  for (const Pair& pair : read_adapter(plain).pairs) {
    EXPECT_EQ(pair.scale, 1.0) << pair.module;
    const Json& own = settings.value("transformer.rank_pattern", Json::object());
    EXPECT_EQ(own.value(pair.module, settings["transformer.r"].get<int64_t>()), pair.rank);
  }
  EXPECT_EQ(metadata.at("modelspec.implementation"), "diffusers");
}

TEST_F(Convert, WhatCannotBeKeptIsRefusedAndNothingIsWritten) {
  const auto refusal = [&](const std::vector<Made>& tensors, Target to, bool allow = false) {
    write(scratch_ / "in.safetensors", tensors);
    std::string said = refusal_of([&] { converted(scratch_ / "in.safetensors", to, allow); });
    EXPECT_EQ(said == "accepted",
              fs::exists(scratch_ / ("out" + std::to_string(count_) + ".safetensors")));
    return said;
  };
  const std::string q = "transformer.transformer_blocks.0.attn.to_q.";
  std::vector<Made> with_more = {{q + "lora_A.weight", {2, 8}},
                                 {q + "lora_B.weight", {8, 2}},
                                 {q + "lora_magnitude_vector", {8}}};
  EXPECT_THAT(refusal(with_more, Target::kohya), HasSubstr("lora_magnitude_vector"));
  EXPECT_EQ(refusal(with_more, Target::kohya, true), "accepted");
  const std::string other = "transformer.some_blocks.0.layer.";
  const std::vector<Made> unknown = {{other + "lora_A.weight", {2, 8}},
                                     {other + "lora_B.weight", {8, 2}}};
  EXPECT_THAT(refusal(unknown, Target::comfyui), HasSubstr("'some_blocks.0.layer'"));
  EXPECT_EQ(refusal(unknown, Target::diffusers), "accepted");
  EXPECT_THAT(refusal({{q + "alpha", {}, Dtype::f32, 2.0e5F},
                       {q + "lora_A.weight", {2, 8}, Dtype::f16},
                       {q + "lora_B.weight", {8, 2}, Dtype::f16}},
                      Target::diffusers),
              HasSubstr("too large for F16"));
  EXPECT_THAT(
      refusal({{q + "lora_A.weight", {2, 8}, Dtype::f32, INFINITY}, {q + "lora_B.weight", {8, 2}}},
              Target::kohya),
      HasSubstr("not finite"));
  const std::string k = "transformer.transformer_blocks.0.attn.to_k.";
  EXPECT_THAT(refusal({{q + "lora_A.weight", {2, 8}},
                       {q + "lora_B.weight", {8, 2}},
                       {k + "lora_A.weight", {2, 4}},
                       {k + "lora_B.weight", {8, 2}}},
                      Target::kohya),
              HasSubstr("do not take the same input"));
}

// Scales of their own cannot stand in one alpha; in F16 the scaled values would be infinite.
TEST_F(Convert, PartsOfOtherScalesBecomeF32WhereTheyAreTooLarge) {
  for (const auto& [alpha, dtype] : {std::pair(2.0e5F, Dtype::f32), {4.0F, Dtype::f16}}) {
    const std::string attn = "transformer.transformer_blocks.0.attn.";
    std::vector<Made> tensors = {{attn + "to_q.alpha", {}, Dtype::f32, alpha}};
    for (const char* layer : {"to_q", "to_k", "to_v"}) {
      tensors.push_back({attn + layer + ".lora_A.weight", {2, 8}, Dtype::f16});
      tensors.push_back({attn + layer + ".lora_B.weight", {8, 2}, Dtype::f16});
    }
    write(scratch_ / "in.safetensors", tensors);
    const fs::path out = converted(scratch_ / "in.safetensors", Target::kohya);
    const auto file = weights::Checkpoint::open(out);
    EXPECT_EQ(file.find("lora_unet_double_blocks_0_img_attn_qkv.lora_up.weight")->dtype, dtype);
    expect_same_updates(out, scratch_ / "in.safetensors");
  }
}

TEST(Targets, AreKnownByName) {
  EXPECT_EQ(target_from_name("kohya"), Target::kohya);
  EXPECT_EQ(target_from_name("xlabs"), std::nullopt);
}

}  // namespace
}  // namespace iclora::lora
