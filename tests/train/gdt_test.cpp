// Training with panels as sequences of their own (method gdt).

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/yaml.h"
#include "fixtures.h"
#include "image/read.h"
#include "latent_boxes.h"
#include "lora/adapter_file.h"
#include "reference_lora.h"
#include "refusal.h"
#include "sampling/resolve.h"
#include "small_training.h"
#include "tensors.h"
#include "train/micro_step.h"
#include "train/replay.h"
#include "train/trained_tensors.h"
#include "weights/safetensors_writer.h"

namespace iclora::train {
namespace {

using testing::HasSubstr;
using testing_support::Fixture;
using testing_support::normal;
using testing_support::refusal_of;
using testing_support::relative_l2;

/// What `micro_step` is given for the reference's samples; `given`: the first panel is.
MicroBatch reference_batch(Fixture& fixture, bool given) {
  MicroBatch batch;
  batch.latents = fixture["batch.latents"];
  batch.noise = fixture["batch.noise"];
  batch.t5 = fixture["batch.t5"];
  batch.clip = fixture["batch.clip"];
  batch.t = fixture["batch.t"];
  batch.panels = testing_support::latent_boxes(fixture, "boxes");
  const auto mask = [&](size_t first, size_t last) {
    at::Tensor out =
        at::zeros({batch.size(), batch.latents.size(2), batch.latents.size(3)}, at::kBool);
    for (size_t i = first; i < last; ++i) {
      const flux::LatentBox& box = batch.panels[i];
      out.slice(1, box.y, box.y + box.height).slice(2, box.x, box.x + box.width).fill_(true);
    }
    return out;
  };
  batch.counted = mask(0, batch.panels.size());
  if (given) batch.given = mask(0, 1);
  return batch;
}

// Loss and gradients of the whole micro-batch, shard by shard, against diffusers' blocks.
TEST(GdtMicroStep, EqualsTheReference) {
  Fixture fixture("training/gdt.safetensors");
  const Json deviation = Json::parse(fixture.metadata().at("deviation"));
  const auto reference = reference_lora();
  const flux::Transformer& transformer = reference->transformer;
  const TrainedTensors& trained = reference->trained;
  for (const bool given : {false, true}) {
    const std::string kind = given ? "zero.lora." : "lora.";
    MicroStepSettings settings;
    settings.given_at_zero = given;
    nn::Gradients gradients(trained.size());
    const double loss =
        micro_step(transformer, reference_batch(fixture, given), settings, gradients);
    EXPECT_NEAR(loss, fixture[kind + "loss"].item<double>(), 1e-6) << kind;
    for (size_t i = 0; i < trained.size(); ++i) {
      const at::Tensor expected = fixture[kind + trained[i].name];
      const at::Tensor& found = gradients.sum(static_cast<nn::Slot>(i));
      if (expected.count_nonzero().item<int64_t>() == 0) continue;
      ASSERT_TRUE(found.defined()) << trained[i].name;
      // As in tests/flux: three times what the reference itself loses, or 1e-5.
      EXPECT_LE(relative_l2(found, expected),
                std::max(1e-5, 3 * deviation.at(kind + trained[i].name).get<double>()))
          << kind << trained[i].name;
    }
    // The same errors, element by element.
    const MicroBatch batch = reference_batch(fixture, given);
    at::Tensor counted = batch.counted;
    if (given) counted = counted.logical_and(batch.given.logical_not());
    const at::Tensor errors = error_map(transformer, batch, settings).masked_select(counted);
    EXPECT_NEAR(errors.mean().item<double>(), loss, 1e-5 * loss) << kind;
  }
}

class GdtTraining : public Training {
 protected:
  Json gdt_json(const std::string& out) const {
    Json json = config_json(out);
    json["method"] = "gdt";
    return json;
  }
  std::string message_of(const Json& json, const TrainOptions& options) {
    NoProgress progress;
    return refusal_of([&] { run(json, options, progress); });
  }
};

TEST_F(GdtTraining, GivesTheSameBytesOnAnyThreadsWithAndWithoutCheckpointing) {
  for (const char* timestep : {"shared", "zero"}) {
    Json one = gdt_json(std::string("one-") + timestep);
    one["train"]["given_timestep"] = timestep;
    one["data"]["gutter"] = 16;
    one["train"]["steps"] = 2;
    one["sample"]["every"] = 2;
    run(one);
    Json other = one;
    other["out"] = (scratch_ / (std::string("two-") + timestep)).native();
    other["train"]["checkpointing"] = "on";
    at::set_num_threads(2);
    run(other);
    at::set_num_threads(1);
    EXPECT_EQ(outcome(std::string("one-") + timestep), outcome(std::string("two-") + timestep));
  }
}

TEST_F(GdtTraining, IsAnotherTrainingThanOnACanvasAndTheLoraSaysSo) {
  const TrainResult gdt = run(gdt_json("gdt"));
  run(config_json("canvas"));
  const auto ours = outcome("gdt"), theirs = outcome("canvas");
  for (const char* name : {"lora/toy.safetensors", "validation.jsonl", "samples/000006/01.png"}) {
    EXPECT_NE(ours.at(name), theirs.at(name)) << name;
  }
  const image::Image sample = image::read_image(scratch_ / "gdt/samples/000006/01.png");
  EXPECT_EQ(sample.width, 32);
  EXPECT_EQ(sample.height, 96);

  const Json config = read_yaml(scratch_ / "gdt/config.yaml");
  EXPECT_EQ(config["method"], "gdt");
  EXPECT_EQ((*lora::read_adapter(gdt.result).iclora)["training"]["method"], "gdt");
  sampling::Request request;
  request.model = ICLORA_FIXTURES "/models/toy-dev";
  request.prompt = "a set [SCENE-1] x [SCENE-2] y [SCENE-3] z";
  request.loras = {{gdt.result.native(), 1.0}};
  EXPECT_EQ(sampling::resolve(request, {}).method, sampling::Method::gdt);
  EXPECT_THAT(sampling::resolve(request, {}).captions,
              testing::ElementsAre("a set x", "a set y", "a set z"));
  request.method = "canvas";
  EXPECT_EQ(sampling::resolve(request, {}).method, sampling::Method::canvas);
}

TEST_F(GdtTraining, ResumedItGivesTheBytesOfAnUnbrokenRun) {
  class StopAtThree final : public Progress {
   public:
    void report(const ProgressEvent& event) override {
      stop_ = stop_ || (event.phase == "training" && event.step == 3);
    }
    bool cancelled() const override { return stop_; }

   private:
    bool stop_ = false;
  };
  run(gdt_json("unbroken"));
  StopAtThree progress;
  EXPECT_THROW(run(gdt_json("stopped"), options(), progress), Error);
  TrainOptions resume = options();
  resume.resume = true;
  NoProgress no_progress;
  run(gdt_json("stopped"), resume, no_progress);
  for (const char* name : {"lora/toy.safetensors", "validation.jsonl", "metrics.jsonl",
                           "samples/000006/01.png", "samples/000006/02-panel-3.png"}) {
    EXPECT_EQ(outcome("stopped").at(name), outcome("unbroken").at(name)) << name;
  }
  EXPECT_THAT(message_of(config_json("stopped"), resume), HasSubstr("method"));
}

TEST_F(GdtTraining, OfEveryWeightTakesItsSteps) {
  Json json = gdt_json("full");
  json["lora"] = {{"targets", "full"}};
  json["train"]["steps"] = 2;
  const TrainResult result = run(json);
  const auto written = weights::Checkpoint::open(result.result / "transformer");
  for (const char* name : {"x_embedder.weight", "time_text_embed.text_embedder.linear_1.weight",
                           "context_embedder.weight"}) {
    const auto base = weights::Checkpoint::open(ICLORA_FIXTURES "/models/toy-dev/transformer");
    EXPECT_FALSE(std::ranges::equal(written.find(name)->bytes, base.find(name)->bytes)) << name;
  }
}

TEST_F(GdtTraining, OfASetWithoutPartsAllPanelsReadTheSame) {
  fs::remove(scratch_ / "sets/3/caption.json");
  std::ofstream(scratch_ / "sets/3/caption.txt") << "a set without parts";
  Json json = gdt_json("no-parts");
  json["train"]["steps"] = 1;
  json.erase("sample");
  EXPECT_EQ(run(json).steps, 1);
}

/// `count` canvases of 4 x 4 latents; texts of `panels` captions, or one caption where 0.
void write_replay(const fs::path& path, int64_t count, int64_t panels, int64_t tokens) {
  std::vector<weights::TensorHead> heads;
  std::vector<at::Tensor> tensors;
  const auto add = [&](int64_t k, const char* name, const at::Tensor& tensor) {
    heads.push_back({fmt::format("{}.{}", k, name), weights::Dtype::f32, tensor.sizes().vec()});
    tensors.push_back(tensor);
  };
  for (int64_t k = 0; k < count; ++k) {
    const auto seed = static_cast<uint64_t>(10 * k);
    add(k, "latents", normal({2, 16, 4, 4}, seed));
    add(k, "noise", normal({2, 16, 4, 4}, seed + 1));
    add(k, "t5", normal({2, tokens, 24}, seed + 2));
    add(k, "clip", panels == 0 ? normal({2, 16}, seed + 3) : normal({2, panels, 16}, seed + 3));
    add(k, "t", at::full({2}, 0.5, at::kFloat));
  }
  weights::SafetensorsWriter writer(path, heads);
  for (const at::Tensor& tensor : tensors) {
    writer.append({static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()});
  }
  writer.commit();
}

TEST_F(GdtTraining, ReplaysCaptionsAPanelAndCanvasesOfOne) {
  TrainOptions replayed = options();
  replayed.replay = scratch_ / "replay.safetensors";
  const auto json = [&](const char* out, const char* method, const char* grid) {
    Json config = config_json(out);
    config["method"] = method;
    config["data"]["grid"] = grid;
    config["train"]["steps"] = 2;
    config["train"]["accumulate"] = 1;
    config.erase("sample");
    return config;
  };
  const auto lora = [&](const char* out) { return outcome(out).at("lora/toy.safetensors"); };
  // The canvas form is one caption: under gdt the same for a single panel alone.
  write_replay(*replayed.replay, 2, 0, 8);
  EXPECT_EQ(message_of(json("canvas", "canvas", "1x2"), replayed), "accepted");
  EXPECT_EQ(message_of(json("auto", "gdt", "auto"), replayed), "accepted");
  EXPECT_EQ(message_of(json("one", "gdt", "1x1"), replayed), "accepted");
  EXPECT_EQ(lora("canvas"), lora("one"));
  EXPECT_EQ(lora("canvas"), lora("auto"));
  EXPECT_THAT(message_of(json("no", "gdt", "1x2"), replayed),
              HasSubstr("'0.clip' has the shape [2, 16], expected [2, 2, 16]"));

  write_replay(*replayed.replay, 2, 1, 8);
  EXPECT_EQ(message_of(json("list", "gdt", "auto"), replayed), "accepted");
  EXPECT_EQ(lora("canvas"), lora("list"));

  write_replay(*replayed.replay, 2, 2, 8);
  EXPECT_EQ(message_of(json("columns", "gdt", "1x2"), replayed), "accepted");
  EXPECT_EQ(message_of(json("rows", "gdt", "2x1"), replayed), "accepted");
  EXPECT_NE(lora("columns"), lora("rows"));
  EXPECT_THAT(message_of(json("no", "gdt", "auto"), replayed), HasSubstr("set data.grid"));
  EXPECT_THAT(message_of(json("no", "canvas", "1x2"), replayed), HasSubstr("expected [2, 16]"));
  EXPECT_THAT(message_of(json("no", "gdt", "1x3"), replayed), HasSubstr("does not divide"));
  write_replay(*replayed.replay, 2, 2, 7);
  EXPECT_THAT(message_of(json("no", "gdt", "1x2"), replayed), HasSubstr("has 7 tokens"));
  EXPECT_FALSE(fs::exists(scratch_ / "no"));
}

}  // namespace
}  // namespace iclora::train
