#include "lora/key_layouts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace iclora::lora {
namespace {

using testing::IsEmpty;

/// "layout module half", or what it is not.
std::string split(const std::string& key) {
  const auto parts = split_key(key);
  if (!parts) return "unknown";
  constexpr const char* kHalves[] = {"A", "B", "alpha"};
  return std::string(parts->layout) + " " + parts->module + " " + kHalves[parts->half];
}

TEST(KeyLayouts, AKeyNamesItsModuleInEveryLayout) {
  const std::string proj = "double_blocks.12.img_attn.proj";
  const std::string to_out = "transformer_blocks.12.attn.to_out.0";
  EXPECT_EQ(split("transformer." + to_out + ".lora_A.weight"), "diffusers " + to_out + " A");
  EXPECT_EQ(split("transformer." + to_out + ".lora.up.weight"), "diffusers " + to_out + " B");
  EXPECT_EQ(split(to_out + ".lora_B.default.weight"), "diffusers " + to_out + " B");
  EXPECT_EQ(split("transformer." + to_out + ".alpha"), "diffusers " + to_out + " alpha");
  EXPECT_EQ(split("diffusion_model." + proj + ".lora_A.weight"), "comfyui " + proj + " A");
  EXPECT_EQ(split("diffusion_model." + proj + ".alpha"), "comfyui " + proj + " alpha");
  EXPECT_EQ(split("base_model.model." + proj + ".lora_B.weight"), "comfyui " + proj + " B");
  EXPECT_EQ(split(proj + ".lora_B"), "comfyui " + proj + " B");
  EXPECT_EQ(split("lora_unet_double_blocks_12_img_attn_proj.lora_down.weight"),
            "kohya " + proj + " A");
  EXPECT_EQ(split("lora_unet_double_blocks_12_img_attn_proj.alpha"), "kohya " + proj + " alpha");
  EXPECT_EQ(split("lora_transformer_transformer_blocks_12_attn_to_out_0.lora_up.weight"),
            "onetrainer " + to_out + " B");
  EXPECT_EQ(split("lycoris_transformer_blocks_12_attn_to_out_0.lora_up.weight"),
            "onetrainer " + to_out + " B");
  EXPECT_EQ(split("double_blocks.12.processor.proj_lora1.down.weight"), "xlabs " + proj + " A");
  EXPECT_EQ(split("diffusion_model.double_blocks.12.processor.proj_lora1.up.weight"),
            "xlabs " + proj + " B");
  EXPECT_EQ(split("single_blocks.3.processor.qkv_lora.up.weight"),
            "xlabs single_blocks.3.linear1_qkv B");
  EXPECT_EQ(split("lora_unet_single_blocks_37_modulation_lin.lora_up.weight"),
            "kohya single_blocks.37.modulation.lin B");
  EXPECT_EQ(split("lora_unet_final_layer_adaLN_modulation_1.lora_up.weight"),
            "kohya final_layer.adaLN_modulation.1 B");
  EXPECT_EQ(split("lora_unet_time_in_in_layer.alpha"), "kohya time_in.in_layer alpha");
  // A new module of diffusers' is its own affair, and told of where it fits nothing.
  EXPECT_EQ(split("transformer.some.thing.lora_A.weight"), "diffusers some.thing A");
}

TEST(KeyLayouts, WhatIsNoHalfOfAPairOfFluxIsUnknown) {
  for (const char* key :
       {"", ".alpha", "transformer.alpha", "transformer.", "lora_unet_.alpha",
        "lora_te1_text_model_encoder_layers_0_mlp_fc1.lora_down.weight",
        "text_encoder.text_model.encoder.layers.0.mlp.fc1.lora_A.weight",
        "lora_unet_input_blocks_1_1_proj_in.lora_down.weight",
        "lora_unet_double_blocks__img_attn_proj.alpha", "lora_unet_double_blocks_1.alpha",
        "double_blocks.x.img_attn.proj.lora_A.weight", "double_blocks.1.img_attn.lora_A.weight",
        "lora_unet_double_blocks_1_img_attn_qkv.lokr_w1",
        "transformer.transformer_blocks.0.attn.to_q.dora_scale",
        "double_blocks.0.processor.other_lora1.down.weight",
        "double_blocks.0.processor.qkv_lora1.middle.weight", "double_blocks.0.img_attn.qkv.weight",
        "double_blocks.0.img_attn.qkv.lora_B.bias"}) {
    EXPECT_EQ(split(key), "unknown") << key;
  }
}

/// "module row+rows" each.
std::vector<std::string> parts(const std::string& module, int64_t in, int64_t out) {
  std::vector<std::string> texts;
  for (const Part& part : parts_of(module, in, out)) {
    texts.push_back(part.module + " " + std::to_string(part.row) + "+" + std::to_string(part.rows) +
                    (part.halves_swapped ? " swapped" : ""));
  }
  return texts;
}

TEST(KeyLayouts, FusedRowsAreSharedOutInTheOrderOfTheCheckpoint) {
  using List = std::vector<std::string>;
  EXPECT_EQ(
      parts("double_blocks.1.txt_attn.qkv", 8, 24),
      (List{"transformer_blocks.1.attn.add_q_proj 0+8", "transformer_blocks.1.attn.add_k_proj 8+8",
            "transformer_blocks.1.attn.add_v_proj 16+8"}));
  EXPECT_EQ(parts("single_blocks.10.linear1", 8, 56),
            (List{"single_transformer_blocks.10.attn.to_q 0+8",
                  "single_transformer_blocks.10.attn.to_k 8+8",
                  "single_transformer_blocks.10.attn.to_v 16+8",
                  "single_transformer_blocks.10.proj_mlp 24+32"}));
  EXPECT_EQ(parts("single_blocks.0.linear2", 40, 8),
            (List{"single_transformer_blocks.0.proj_out 0+8"}));
  EXPECT_EQ(parts("double_blocks.0.img_mlp.2", 32, 8), (List{"transformer_blocks.0.ff.net.2 0+8"}));
  EXPECT_EQ(parts("final_layer.adaLN_modulation.1", 8, 16), (List{"norm_out.linear 0+16 swapped"}));
  EXPECT_EQ(parts("transformer_blocks.0.attn.to_q", 8, 8),
            (List{"transformer_blocks.0.attn.to_q 0+8"}));
  EXPECT_THAT(parts("double_blocks.0.img_attn.qkv", 8, 25), IsEmpty());
  EXPECT_THAT(parts("single_blocks.0.linear1", 8, 24), IsEmpty());
}

}  // namespace
}  // namespace iclora::lora
