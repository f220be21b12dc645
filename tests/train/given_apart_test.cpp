// Training with given panels that see only each other (train.given_sees).

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "fixtures.h"
#include "latent_boxes.h"
#include "lora/adapter_file.h"
#include "lora/stated.h"
#include "reference_lora.h"
#include "refusal.h"
#include "small_training.h"
#include "tensors.h"
#include "train/micro_step.h"
#include "train/trained_tensors.h"

namespace iclora::train {
namespace {

using testing::HasSubstr;
using testing_support::Fixture;
using testing_support::refusal_of;
using testing_support::relative_l2;

MicroBatch reference_batch(Fixture& fixture, const std::string& kind) {
  const auto stored = [&](const char* name) { return fixture[kind + "batch." + name]; };
  MicroBatch batch;
  batch.latents = stored("latents");
  batch.noise = stored("noise");
  batch.t5 = stored("t5");
  batch.clip = stored("clip");
  batch.t = stored("t");
  if (kind == "canvas.") {
    batch.given = stored("given") > 0;
    return batch;
  }
  // The first two of three panels.
  batch.panels = testing_support::latent_boxes(fixture, "gdt.boxes");
  batch.given = at::zeros({batch.size(), batch.latents.size(2), batch.latents.size(3)}, at::kBool);
  batch.counted = batch.given.clone();
  for (size_t i = 0; i < batch.panels.size(); ++i) {
    const flux::LatentBox& box = batch.panels[i];
    for (at::Tensor* mask : {&batch.given, &batch.counted}) {
      if (mask == &batch.given && i == 2) continue;
      mask->slice(1, box.y, box.y + box.height).slice(2, box.x, box.x + box.width).fill_(true);
    }
  }
  return batch;
}

// Loss and gradients of a whole micro-batch, whose samples have other panels given each, against
// diffusers' blocks (tools/reference/dump_apart.py).
TEST(GivenApart, MicroStepEqualsTheReference) {
  Fixture fixture("training/apart.safetensors");
  const Json deviation = Json::parse(fixture.metadata().at("deviation"));
  const auto reference = reference_lora();
  const flux::Transformer& transformer = reference->transformer;
  const TrainedTensors& trained = reference->trained;
  for (const std::string kind : {"canvas.", "gdt."}) {
    for (const bool checkpointing : {false, true}) {
      MicroStepSettings settings;
      settings.checkpointing = checkpointing;
      settings.given_at_zero = true;
      settings.given_sees = flux::GivenSees::given;
      nn::Gradients gradients(trained.size());
      const MicroBatch batch = reference_batch(fixture, kind);
      const double loss = micro_step(transformer, batch, settings, gradients);
      // Sums in another order move it by some units in the last place, 6e-8 of its size each.
      const auto expected_loss = fixture[kind + "loss"].item<double>();
      EXPECT_NEAR(loss, expected_loss, 1e-6 * expected_loss) << kind;
      size_t compared = 0;
      for (size_t i = 0; i < trained.size(); ++i) {
        const at::Tensor expected = fixture[kind + trained[i].name];
        if (expected.count_nonzero().item<int64_t>() == 0) continue;
        const at::Tensor& found = gradients.sum(static_cast<nn::Slot>(i));
        ASSERT_TRUE(found.defined()) << trained[i].name;
        // As in tests/flux/gradients_test.cpp.
        EXPECT_LE(relative_l2(found, expected),
                  std::max(2.5e-5, 3 * deviation.at(kind + trained[i].name).get<double>()))
            << kind << trained[i].name;
        ++compared;
      }
      EXPECT_GT(compared, 80U);
      // The same errors, element by element.
      at::Tensor counted = batch.given.logical_not();
      if (batch.counted.defined()) counted = counted.logical_and(batch.counted);
      const at::Tensor errors = error_map(transformer, batch, settings).masked_select(counted);
      EXPECT_NEAR(errors.mean().item<double>(), loss, 1e-5 * loss) << kind;
    }
  }
}

class GivenApartTraining : public Training {
 protected:
  Json apart_json(const std::string& out, const char* method) const {
    Json json = config_json(out);
    json["method"] = method;
    json["train"]["steps"] = 2;
    json["train"]["conditional"] = 0.8;
    json["train"]["given_timestep"] = "zero";
    json["train"]["given_sees"] = "given";
    return json;
  }
};

TEST_F(GivenApartTraining, GivesTheSameBytesOnAnyThreadsWithAndWithoutCheckpointing) {
  for (const std::string method : {"canvas", "gdt"}) {
    const Json one = apart_json("one-" + method, method.c_str());
    const TrainResult result = run(one);
    Json other = one;
    other["out"] = (scratch_ / ("two-" + method)).native();
    other["train"]["checkpointing"] = "on";
    at::set_num_threads(2);
    run(other);
    at::set_num_threads(1);
    EXPECT_EQ(outcome("one-" + method), outcome("two-" + method));

    const lora::AdapterFile adapter = lora::read_adapter(result.result);
    const Json* stated = lora::stated_training(adapter, "given_sees");
    ASSERT_NE(stated, nullptr);
    EXPECT_EQ(*stated, "given");

    Json all = one;
    all["out"] = (scratch_ / ("all-" + method)).native();
    all["train"]["given_sees"] = "all";
    run(all);
    EXPECT_NE(outcome("one-" + method), outcome("all-" + method));
  }
}

TEST_F(GivenApartTraining, AtTheSamplesTimestepIsRefused) {
  Json json = apart_json("refused", "canvas");
  json["train"]["given_timestep"] = "shared";
  EXPECT_THAT(refusal_of([&] { run(json); }),
              HasSubstr("'train.given_sees' is given, but train.given_timestep is shared"));
  EXPECT_FALSE(fs::exists(scratch_ / "refused"));
}

}  // namespace
}  // namespace iclora::train
