// One update of the transformer, stored by diffusers' names and by those of other programs: every
// layer gets the same.

#include "sampling/adapters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "core/file.h"
#include "refusal.h"
#include "scratch.h"
#include "tensors.h"
#include "weights/safetensors_writer.h"

namespace iclora::sampling {
namespace {

using testing::HasSubstr;
using testing_support::normal;
using testing_support::ScratchFolder;

using Tensors = std::map<std::string, at::Tensor>;

flux::Transformer toy() {
  const std::string folder = ICLORA_FIXTURES "/models/toy-dev/transformer";
  runtime::FileWeights source(weights::Checkpoint::open(folder));
  return flux::load_transformer(
      source, flux::config_from_json(read_json(folder + "/config.json"), "config.json"),
      at::kFloat);
}

void write(const std::filesystem::path& file, const Tensors& tensors) {
  std::vector<weights::TensorHead> heads;
  for (const auto& [name, values] : tensors) {
    heads.push_back({name, weights::Dtype::f32, values.sizes().vec()});
  }
  weights::SafetensorsWriter writer(file, heads);
  for (const auto& [name, values] : tensors) {
    const at::Tensor dense = values.contiguous();
    writer.append({static_cast<const std::byte*>(dense.const_data_ptr()), dense.nbytes()});
  }
  writer.commit();
}

/// What the file adds to every layer's weight, by name.
Tensors updates(const Tensors& tensors, double strength = 1.0) {
  const ScratchFolder scratch;
  write(scratch / "x.safetensors", tensors);
  flux::Transformer transformer = toy();
  attach_adapter(transformer, lora::read_adapter(scratch / "x.safetensors"), strength, false);
  Tensors out;
  flux::for_each_linear(transformer, [&](nn::Linear& layer) {
    for (const nn::LoraPair& pair : layer.adapters) {
      out[layer.name] = at::mm(pair.b, pair.a) * pair.scale;
    }
  });
  return out;
}

void expect_same(const Tensors& found, const Tensors& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (const auto& [name, values] : expected) {
    ASSERT_TRUE(found.contains(name)) << name;
    // The same products in another order.
    EXPECT_LT(testing_support::relative_l2(found.at(name), values), 1e-6) << name;
  }
}

class Adapters : public testing::Test {
 protected:
  Adapters() {
    flux::Transformer transformer = toy();
    flux::for_each_linear(transformer, [&](nn::Linear& layer) {
      sizes_[layer.name] = {layer.out_features(), layer.in_features()};
    });
  }
  /// A random half of a pair of rank 2 for a layer.
  at::Tensor half(const std::string& layer, char which, uint64_t seed) const {
    const auto [out, in] = sizes_.at(layer);
    return which == 'A' ? normal({2, in}, seed) : normal({out, 2}, seed + 100);
  }
  std::map<std::string, std::pair<int64_t, int64_t>> sizes_;
};

TEST_F(Adapters, AFusedMatrixIsThatOfItsParts) {
  const std::vector<std::string> layers = {
      "single_transformer_blocks.1.attn.to_q", "single_transformer_blocks.1.attn.to_k",
      "single_transformer_blocks.1.attn.to_v", "single_transformer_blocks.1.proj_mlp"};
  Tensors parts;
  std::vector<at::Tensor> downs, ups;
  for (size_t i = 0; i < layers.size(); ++i) {
    downs.push_back(half(layers[i], 'A', i));
    ups.push_back(half(layers[i], 'B', i));
    parts["transformer." + layers[i] + ".lora_A.weight"] = downs.back();
    parts["transformer." + layers[i] + ".lora_B.weight"] = ups.back() * 0.75;
  }
  const std::string name = "lora_unet_single_blocks_1_linear1.";
  const Tensors apart = {{name + "lora_down.weight", at::cat(downs)},
                         {name + "lora_up.weight", at::block_diag(ups)},
                         {name + "alpha", at::scalar_tensor(0.75 * 8)}};
  expect_same(updates(apart), updates(parts));
  expect_same(updates(apart, -0.5), updates(parts, -0.5));
}

TEST_F(Adapters, PartsThatShareTheirColumnsAllHaveTheWholeOfA) {
  const std::vector<std::string> layers = {"transformer_blocks.0.attn.add_q_proj",
                                           "transformer_blocks.0.attn.add_k_proj",
                                           "transformer_blocks.0.attn.add_v_proj"};
  const at::Tensor down = half(layers[0], 'A', 1);
  Tensors parts;
  std::vector<at::Tensor> ups;
  for (size_t i = 0; i < layers.size(); ++i) {
    ups.push_back(half(layers[i], 'B', i));
    parts["transformer." + layers[i] + ".lora_A.weight"] = down;
    parts["transformer." + layers[i] + ".lora_B.weight"] = ups.back();
  }
  const std::string name = "diffusion_model.double_blocks.0.txt_attn.qkv.";
  expect_same(updates({{name + "lora_A.weight", down}, {name + "lora_B.weight", at::cat(ups)}}),
              updates(parts));
}

TEST_F(Adapters, TheLastModulationsHalvesChangePlaces) {
  const at::Tensor down = half("norm_out.linear", 'A', 1), up = half("norm_out.linear", 'B', 1);
  const at::Tensor swapped = at::cat({up.chunk(2)[1], up.chunk(2)[0]});
  expect_same(updates({{"lora_unet_final_layer_adaLN_modulation_1.lora_down.weight", down},
                       {"lora_unet_final_layer_adaLN_modulation_1.lora_up.weight", swapped}}),
              updates({{"transformer.norm_out.linear.lora_A.weight", down},
                       {"transformer.norm_out.linear.lora_B.weight", up}}));
}

TEST_F(Adapters, WhatFitsNothingIsNamedOnceAsTheFileHasIt) {
  const std::string name = "lora_unet_double_blocks_9_img_attn_qkv.";
  const auto [out, in] = sizes_.at("transformer_blocks.0.attn.to_q");
  const std::string said = testing_support::refusal_of([&, rows = 3 * out, columns = in] {
    updates({{name + "lora_down.weight", normal({2, columns}, 1)},
             {name + "lora_up.weight", normal({rows, 2}, 2)}});
  });
  EXPECT_THAT(said, HasSubstr("'" + name + "lora_down.weight' and 1 more"));
}

}  // namespace
}  // namespace iclora::sampling
