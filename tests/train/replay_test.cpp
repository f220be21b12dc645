#include "train/replay.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "fixtures.h"
#include "tensors.h"
#include "train/adamw.h"
#include "train/micro_step.h"
#include "train/shards.h"
#include "train/trained_tensors.h"

namespace iclora::train {
namespace {

using testing_support::Fixture;
using testing_support::relative_l2;

struct Outcome {
  std::vector<double> losses, norms;
  std::vector<std::string> names;
  std::vector<at::Tensor> start, last, averages;
};

class ReplaySteps : public testing::Test {
 protected:
  flux::Transformer load(at::ScalarType dtype) const {
    const std::string folder = ICLORA_FIXTURES "/models/toy-dev/transformer";
    runtime::FileWeights source(weights::Checkpoint::open(folder));
    return flux::load_transformer(
        source, flux::config_from_json(read_json(folder + "/config.json"), "config.json"), dtype);
  }

  /// The six steps of tools/reference/dump_gradients.py.
  Outcome run(bool lora, at::ScalarType dtype = at::kFloat, bool checkpointing = false) {
    flux::Transformer transformer = load(dtype);
    TrainedTensors trained = lora ? add_lora(transformer, layer_filter({"all"}), 4, 4, 1)
                                  : train_every_weight(transformer);
    if (lora) {
      Fixture init("training/init_lora.safetensors");
      for (TrainedTensor& tensor : trained) tensor.master.copy_(init[tensor.name]);
    }
    put_into_layers(trained, masters(trained));
    Outcome out;
    std::vector<at::Tensor> averages;
    for (const at::Tensor& master : masters(trained)) averages.push_back(master.clone());
    out.start = std::vector<at::Tensor>(averages);
    for (at::Tensor& tensor : out.start) tensor = tensor.clone();
    AdamWSettings settings;
    settings.weight_decay = 1e-2;
    AdamWState state = adamw_state(masters(trained));
    const Replay replay(ICLORA_FIXTURES "/training/replay.safetensors", transformer.config);
    EXPECT_EQ(replay.count(), 6);
    MicroStepSettings micro;
    micro.checkpointing = checkpointing;
    for (int64_t k = 0; k < replay.count(); ++k) {
      nn::Gradients gradients(trained.size());
      out.losses.push_back(micro_step(transformer, replay.batch(k), micro, gradients));
      out.norms.push_back(global_norm(gradients.sums()));
      const double scale = std::min(1.0, 0.5 / (out.norms.back() + 1e-6));
      const double rate = 1e-3 * std::min(1.0, static_cast<double>(k + 1) / 3);
      adamw_step(masters(trained), gradients.sums(), scale, rate, settings, state);
      ema_step(averages, masters(trained), 0.9);
      put_into_layers(trained, masters(trained));
    }
    for (const TrainedTensor& tensor : trained) {
      out.names.push_back(tensor.name);
      out.last.push_back(tensor.master);
    }
    out.averages = std::move(averages);
    return out;
  }

  void expect_the_references(bool lora) {
    const Outcome ours = run(lora);
    Fixture expected(lora ? "training/replay_lora.safetensors"
                          : "training/replay_full.safetensors");
    // The bounds.
    for (size_t k = 0; k < ours.losses.size(); ++k) {
      const double loss = expected["losses"][static_cast<int64_t>(k)].item<double>();
      EXPECT_NEAR(ours.losses[k], loss, 1e-4 * loss) << k;
      const double norm = expected["grad_norms"][static_cast<int64_t>(k)].item<double>();
      EXPECT_NEAR(ours.norms[k], norm, 1e-4 * norm) << k;
    }
    std::vector<at::Tensor> update, reference, average, reference_average;
    for (size_t i = 0; i < ours.names.size(); ++i) {
      update.push_back((ours.last[i] - ours.start[i]).flatten());
      reference.push_back((expected["final." + ours.names[i]] - ours.start[i]).flatten());
      if (!lora) continue;
      average.push_back((ours.averages[i] - ours.start[i]).flatten());
      reference_average.push_back((expected["ema." + ours.names[i]] - ours.start[i]).flatten());
    }
    EXPECT_LT(relative_l2(at::cat(update), at::cat(reference)), 1e-3);
    if (lora) {
      EXPECT_LT(relative_l2(at::cat(average), at::cat(reference_average)), 1e-3);
    }
  }
};

TEST_F(ReplaySteps, OfALoraEqualPyTorchAndPeft) {
  expect_the_references(/*lora=*/true);
}

TEST_F(ReplaySteps, OfEveryWeightEqualPyTorch) {
  expect_the_references(/*lora=*/false);
}

TEST_F(ReplaySteps, ThreadsAndCheckpointingNeverChangeABit) {
  const int before = at::get_num_threads();
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    for (const bool lora : {true, false}) {
      at::set_num_threads(1);
      const Outcome one = run(lora, dtype);
      for (const int threads : {1, 2, 3, 8}) {
        at::set_num_threads(threads);
        const Outcome other = run(lora, dtype, /*checkpointing=*/threads == 2);
        EXPECT_EQ(one.losses, other.losses) << threads;
        EXPECT_EQ(one.norms, other.norms) << threads;
        for (size_t i = 0; i < one.last.size(); ++i) {
          EXPECT_TRUE(at::equal(one.last[i], other.last[i])) << threads << " " << one.names[i];
        }
      }
    }
  }
  at::set_num_threads(before);
}

TEST(Shards, GatherInOrderAndPassOnTheFirstFailure) {
  const int before = at::get_num_threads();
  for (const int threads : {1, 2, 5}) {
    at::set_num_threads(threads);
    std::vector<int64_t> order;
    for_shards(
        40, [](int64_t, int64_t) {}, [&](int64_t shard, int64_t) { order.push_back(shard); });
    ASSERT_EQ(order.size(), 40U);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
    EXPECT_THROW(for_shards(
                     40,
                     [](int64_t shard, int64_t) {
                       if (shard == 7) throw std::runtime_error("seven");
                     },
                     [](int64_t, int64_t) {}),
                 std::runtime_error);
  }
  at::set_num_threads(before);
}

TEST(LayerFilter, KnowsTheNamedChoicesAndExpressions) {
  const LayerFilter attention = layer_filter({"attention"});
  EXPECT_TRUE(attention("transformer_blocks.3.attn.to_out.0"));
  EXPECT_TRUE(attention("single_transformer_blocks.3.attn.to_q"));
  EXPECT_FALSE(attention("transformer_blocks.3.ff.net.2"));
  EXPECT_FALSE(attention("single_transformer_blocks.3.proj_out"));
  EXPECT_FALSE(layer_filter({"all"})("norm_out.linear"));
  EXPECT_FALSE(layer_filter({"all"})("x_embedder"));
  EXPECT_TRUE(layer_filter({"all"})("single_transformer_blocks.0.norm.linear"));
  const LayerFilter some = layer_filter({"transformer_blocks\\.0\\..*", "x_embedder"});
  EXPECT_TRUE(some("transformer_blocks.0.ff.net.2"));
  EXPECT_FALSE(some("single_transformer_blocks.0.proj_mlp"));
  EXPECT_TRUE(some("x_embedder"));
  EXPECT_THROW(layer_filter({"(["}), Error);
}

// FLUX.1-dev has 494 linear layers in its blocks; the toys have 14 in a double and 6 in a single.
TEST_F(ReplaySteps, AllMeansEveryLinearLayerOfTheBlocks) {
  flux::Transformer transformer = load(at::kFloat);
  const TrainedTensors trained = add_lora(transformer, layer_filter({"all"}), 2, 2, 1);
  EXPECT_EQ(trained.size(), 2U * (14 * 2 + 6 * 3));
}

TEST(AdamW, GlobalNormClipsLikeTheSumOfAllSquares) {
  const std::vector<at::Tensor> gradients = {testing_support::normal({40000}, 1), at::Tensor(),
                                             testing_support::normal({3, 5}, 2)};
  const double expected = std::sqrt(gradients[0].to(at::kDouble).square().sum().item<double>() +
                                    gradients[2].to(at::kDouble).square().sum().item<double>());
  EXPECT_NEAR(global_norm(gradients), expected, 1e-9 * expected);
}

}  // namespace
}  // namespace iclora::train
