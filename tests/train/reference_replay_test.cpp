// Whole trainings of a LoRA on replayed micro-batches, from the configuration to the file, against
// PyTorch and PEFT (tools/reference/dump_gradients.py, dump_gdt.py).

#include <gtest/gtest.h>

#include "fixtures.h"
#include "runtime/file_weights.h"
#include "small_training.h"
#include "tensors.h"

namespace iclora::train {
namespace {

using testing_support::Fixture;
using testing_support::relative_l2;

class ReferenceReplay : public Training {
 protected:
  /// The training of the reference's `train`: four steps, three of them warming up.
  Json reference_json(const std::string& model) const {
    Json json = config_json("out");
    json["model"] = ICLORA_FIXTURES "/models/" + model;
    json["lora"] = {{"rank", 4}, {"alpha", 4}, {"targets", "all"}};
    json["train"] = {{"steps", 4},  {"batch", 2},      {"learning_rate", 1e-3},
                     {"warmup", 3}, {"accumulate", 1}, {"clip", 0.5},
                     {"ema", 0},    {"dtype", "fp32"}, {"weight_decay", 1e-2}};
    json["save"] = {{"dtype", "fp32"}};
    json.erase("sample");
    return json;
  }

  /// `initial`, `replay` and `expected` are files in fixtures/training.
  void expect_the_reference(const Json& json, const std::string& initial, const std::string& replay,
                            const std::string& expected_file) {
    const std::string folder = ICLORA_FIXTURES "/training/";
    TrainOptions replayed = options();
    replayed.init_lora = folder + initial;
    replayed.replay = folder + replay;
    NoProgress progress;
    const TrainResult result = run(json, replayed, progress);
    Fixture start("training/" + initial), expected("training/" + expected_file);

    const auto metrics = run::read_step_log(scratch_ / "out/metrics.jsonl");
    ASSERT_EQ(metrics.size(), 4U);
    for (int64_t k = 0; k < 4; ++k) {
      // The bounds; here all are within 1e-6.
      const Json& step = metrics[static_cast<size_t>(k)];
      const double loss = expected["losses"][k].item<double>();
      EXPECT_NEAR(step["loss"].get<double>(), loss, 1e-4 * loss) << k;
      const double norm = expected["grad_norms"][k].item<double>();
      EXPECT_NEAR(step["grad_norm"].get<double>(), norm, 1e-4 * norm) << k;
    }

    runtime::FileWeights written(weights::Checkpoint::open(result.result));
    std::vector<at::Tensor> update, reference;
    for (const auto& [name, stored] : written.checkpoint().tensors()) {
      const at::Tensor before = start[name];
      update.push_back((written.get(name, stored.shape, at::kFloat) - before).flatten());
      reference.push_back((expected["final." + name] - before).flatten());
    }
    // Two halves of every linear layer of the blocks: 14 in a double, 6 in a single.
    const bool schnell = json["model"].get<std::string>().ends_with("schnell");
    EXPECT_EQ(update.size(), schnell ? 2U * (14 + 6 * 2) : 2U * (14 * 2 + 6 * 3));
    EXPECT_LT(relative_l2(at::cat(update), at::cat(reference)), 1e-3);
  }
};

TEST_F(ReferenceReplay, WithoutGuidanceEmbeddingEqualsPyTorchAndPeft) {
  expect_the_reference(reference_json("toy-schnell"), "schnell.init_lora.safetensors",
                       "schnell.replay.safetensors", "schnell.replay_lora.safetensors");
}

// Two panels beside one another with a gutter; one of them is given, at timestep 0, in two steps.
TEST_F(ReferenceReplay, OfPanelsThatAreSequencesOfTheirOwnEqualsPyTorchAndPeft) {
  Json json = reference_json("toy-dev");
  json["method"] = "gdt";
  json["data"]["grid"] = "1x2";
  json["data"]["gutter"] = 16;
  json["train"]["given_timestep"] = "zero";
  expect_the_reference(json, "init_lora.safetensors", "gdt.replay.safetensors",
                       "gdt.replay_lora.safetensors");
}

}  // namespace
}  // namespace iclora::train
