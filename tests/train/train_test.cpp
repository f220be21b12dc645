// Whole trainings of the toy model on a small data set.

#include "train/train.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "core/error.h"
#include "image/read.h"
#include "lora/adapter_file.h"
#include "run/metrics.h"
#include "small_training.h"
#include "tensors.h"
#include "weights/checkpoint.h"
#include "weights/safetensors_writer.h"

namespace iclora::train {
namespace {

/// Stops the work after so many training steps.
class StopAfter final : public Progress {
 public:
  explicit StopAfter(int64_t step) : step_(step) {}
  void report(const ProgressEvent& event) override {
    if (event.phase == "training" && event.step >= step_) stop_ = true;
  }
  bool cancelled() const override { return stop_; }

 private:
  int64_t step_;
  bool stop_ = false;
};

/// Stops the work in the middle of a phase.
class StopWithin final : public Progress {
 public:
  explicit StopWithin(std::string phase) : phase_(std::move(phase)) {}
  void report(const ProgressEvent& event) override {
    if (event.phase == phase_ && event.step > 0) stop_ = true;
  }
  bool cancelled() const override { return stop_; }

 private:
  std::string phase_;
  bool stop_ = false;
};

/// Remembers the phases that were reported.
class Phases final : public Progress {
 public:
  void report(const ProgressEvent& event) override {
    if (seen.empty() || seen.back() != event.phase) seen.emplace_back(event.phase);
  }
  std::vector<std::string> seen;
};

TEST_F(Training, WritesAllThatARunsFolderHolds) {
  Phases phases;
  const TrainResult result = run(config_json("run"), options(), phases);
  const fs::path out = scratch_ / "run";
  EXPECT_EQ(result.result, out / "lora/toy.safetensors");
  EXPECT_EQ(result.steps, 6);
  for (const char* name :
       {"config.yaml", "metrics.jsonl", "validation.jsonl", "lora/toy-000002.safetensors",
        "lora/toy-000004.safetensors", "lora/toy.safetensors", "checkpoints/000004/manifest.json",
        "checkpoints/000006/manifest.json", "samples/000003/01.png",
        "samples/000006/01-panel-3.png", "samples/000006/02.png"}) {
    EXPECT_TRUE(fs::exists(out / name)) << name;
  }
  EXPECT_FALSE(fs::exists(out / "checkpoints/000002"));  // keep: 2
  EXPECT_THAT(phases.seen, testing::IsSupersetOf({"reading sets", "encoding pictures", "text",
                                                  "training", "saving", "sampling"}));

  const auto metrics = run::read_step_log(out / "metrics.jsonl");
  ASSERT_EQ(metrics.size(), 6U);
  for (size_t i = 0; i < metrics.size(); ++i) {
    EXPECT_EQ(metrics[i]["step"], i + 1);
    EXPECT_EQ(metrics[i]["samples_seen"], 4 * (i + 1));
    EXPECT_GT(metrics[i]["loss"].get<double>(), 0);
    EXPECT_GT(metrics[i]["grad_norm"].get<double>(), 0);
    EXPECT_NEAR(metrics[i]["learning_rate"].get<double>(),
                1e-3 * (1 + std::cos(M_PI * static_cast<double>(i) / 6)) / 2, 1e-12);
  }
  EXPECT_EQ(run::read_step_log(out / "validation.jsonl").size(), 3U);
  const image::Image canvas = image::read_image(out / "samples/000006/01.png");
  EXPECT_EQ(canvas.width, 32);
  EXPECT_EQ(canvas.height, 96);
}

TEST_F(Training, DescribesTheLoraForGenerate) {
  const TrainResult result = run(config_json("run"));
  const lora::AdapterFile file = lora::read_adapter(result.result);
  EXPECT_EQ(file.pairs.size(), 46U);
  EXPECT_TRUE(file.unknown_keys.empty());
  ASSERT_TRUE(file.iclora.has_value());
  const Json& own = *file.iclora;
  EXPECT_EQ(own["grid"], "3x1");
  EXPECT_EQ(own["panel"], "32x32");
  EXPECT_EQ(own["dialect"], "scene");
  EXPECT_EQ(own["training"]["steps"], 6);
  EXPECT_EQ(own["training"]["sets"], 5);  // of six, one is held out
  for (const lora::Pair& pair : file.pairs) {
    EXPECT_EQ(pair.rank, 2);
    EXPECT_EQ(pair.scale, 1.0);  // alpha / rank = 2 stands in B
  }
  EXPECT_EQ(file.checkpoint.metadata().at("ss_timestep_sampling"), "logit_normal");
  // Nothing that names this machine.
  for (const auto& [key, value] : file.checkpoint.metadata()) {
    EXPECT_EQ(value.find(scratch_.path().native()), std::string::npos) << key;
  }
}

TEST_F(Training, StopsWithinValidationAndSamplesAndTakesThemUpAgain) {
  run(config_json("whole"));
  for (const char* phase : {"validating", "sampling"}) {
    StopWithin progress(phase);
    try {
      run(config_json(phase), options(), progress);
      ADD_FAILURE() << phase;
    } catch (const Error& error) {
      EXPECT_EQ(error.exit_code(), 75) << error.what();
    }
    TrainOptions again = options();
    again.resume = true;
    NoProgress none;
    run(config_json(phase), again, none);
    EXPECT_EQ(outcome(phase), outcome("whole")) << phase;
  }
}

TEST_F(Training, WarnsOfCaptionsWhoseEndIsLost) {
  std::string words;
  for (int i = 0; i < 70; ++i) words += " fox";
  std::ofstream(scratch_ / "sets/2/caption.json")
      << Json({{"overall", words}, {"panels", {"a", "b", "c"}}});
  Json json = config_json("long");
  json["train"]["steps"] = 1;
  json.erase("sample");
  std::vector<std::string> warnings;
  log::set_writer([&](bool warning, std::string_view text) {
    if (warning) warnings.emplace_back(text);
  });
  NoProgress progress;
  train(run::config_from_json(json, "test"), options(), progress);
  log::set_writer(nullptr);
  EXPECT_THAT(warnings, testing::Contains(
                            testing::AllOf(testing::HasSubstr("Set '2'"),
                                           testing::HasSubstr("but the text encoder reads 64"))));
}

TEST_F(Training, DescribesWhatAllSetsHaveInCommonAlone) {
  const auto described = [&](const std::string& out, const Json& more, const std::string& tag) {
    for (int set = 0; set < 6; ++set) {
      Json caption = {{"overall", fmt::format("{} set {}", set == 2 ? tag : "[SHOTS]", set)},
                      {"panels", {"left", "middle", "right"}}};
      caption.update(more);
      std::ofstream(scratch_ / "sets" / fmt::format("{}", set) / "caption.json") << caption;
    }
    Json json = config_json(out);
    json["train"]["steps"] = 1;
    json.erase("sample");
    return *lora::read_adapter(run(json).result).iclora;
  };
  const Json same = described("same", {{"task", "story"}, {"dialect", "image"}}, "[SHOTS]");
  EXPECT_EQ(same["trigger"], "[SHOTS]");
  EXPECT_EQ(same["task"], "story");
  EXPECT_EQ(same["dialect"], "image");
  EXPECT_FALSE(described("other", Json::object(), "[STILLS]").contains("trigger"));
  // One above, two below it: no grid has such panels.
  const Json free = described(
      "free", {{"canvas", "64x64"}, {"boxes", {{0, 0, 64, 32}, {0, 32, 32, 32}, {32, 32, 32, 32}}}},
      "[SHOTS]");
  EXPECT_FALSE(free.contains("grid"));
  EXPECT_FALSE(free.contains("panel"));
}

TEST_F(Training, GivesTheSameBytesOnAnyThreadsWithAndWithoutCheckpointing) {
  run(config_json("one"));
  Json other = config_json("two");
  other["train"]["checkpointing"] = "on";
  at::set_num_threads(3);
  run(other);
  EXPECT_EQ(outcome("one"), outcome("two"));
}

TEST_F(Training, StoppedAnywhereAndResumedGivesTheBytesOfAnUnbrokenRun) {
  run(config_json("unbroken"));
  const auto expected = outcome("unbroken");
  for (int64_t stop = 0; stop <= 5; ++stop) {
    const std::string out = fmt::format("stopped-{}", stop);
    StopAfter progress(stop);
    try {
      run(config_json(out), options(), progress);
      ADD_FAILURE() << "was not stopped";
    } catch (const Error& error) {
      EXPECT_EQ(error.exit_code(), 75) << error.what();
    } catch (const Cancelled&) {
      ADD_FAILURE() << "left without saving at " << stop;
    }
    TrainOptions resume = options();
    resume.resume = true;
    NoProgress no_progress;
    EXPECT_EQ(run(config_json(out), resume, no_progress).steps, 6);
    auto found = outcome(out);
    // The signal's own checkpoint stands at another step.
    std::erase_if(found, [&](const auto& one) {
      return one.first.starts_with("checkpoints/") && !expected.contains(one.first);
    });
    auto kept = expected;
    std::erase_if(kept, [&](const auto& one) {
      return one.first.starts_with("checkpoints/") && !found.contains(one.first);
    });
    EXPECT_EQ(found, kept) << stop;
  }
}

TEST_F(Training, GoesOnWithMoreStepsAndRefusesOtherChanges) {
  Json longer = config_json("run");
  longer["train"]["schedule"] = "constant";
  Json shorter = longer;
  shorter["train"]["steps"] = 4;
  run(shorter);
  TrainOptions resume = options();
  resume.resume = true;
  NoProgress progress;
  EXPECT_EQ(run(longer, resume, progress).steps, 6);
  Json whole = longer;
  whole["out"] = (scratch_ / "whole").native();
  run(whole);
  EXPECT_EQ(outcome("run").at("lora/toy.safetensors"), outcome("whole").at("lora/toy.safetensors"));

  Json other = longer;
  other["train"]["batch"] = 1;
  try {
    run(other, resume, progress);
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), 2);
    EXPECT_THAT(error.what(), testing::HasSubstr("train.batch"));
  }
  try {
    run(longer);
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), 2);
    EXPECT_THAT(error.what(), testing::HasSubstr("--resume"));
  }
}

TEST_F(Training, OfEveryWeightWritesAModelFolder) {
  Json json = config_json("full");
  json["lora"] = {{"targets", "full"}};
  json["save"]["dtype"] = "fp32";
  const TrainResult result = run(json);
  EXPECT_EQ(result.result, scratch_ / "full/model");
  const auto written = weights::Checkpoint::open(result.result / "transformer");
  const auto base = weights::Checkpoint::open(ICLORA_FIXTURES "/models/toy-dev/transformer");
  ASSERT_EQ(written.tensors().size(), base.tensors().size());
  int changed = 0;
  for (const auto& [name, tensor] : base.tensors()) {
    const auto* found = written.find(name);
    ASSERT_NE(found, nullptr) << name;
    EXPECT_EQ(found->shape, tensor.shape) << name;
    changed += std::ranges::equal(found->bytes, tensor.bytes) ? 0 : 1;
  }
  EXPECT_GT(changed, 100);
  EXPECT_TRUE(fs::exists(result.result / "vae/config.json"));
  EXPECT_TRUE(fs::exists(result.result / "model_index.json"));
}

TEST_F(Training, OfEveryWeightMayStandInTheModelThatItBeganWith) {
  const fs::path base = scratch_ / "base";
  fs::copy(ICLORA_FIXTURES "/models/toy-dev", base, fs::copy_options::recursive);
  fs::create_directory_symlink(".", base / "again");
  Json json = config_json("base/runs/full");
  json["model"] = base.native();
  json["lora"] = {{"targets", "full"}};
  json["train"]["steps"] = 1;
  json.erase("sample");
  const fs::path result = run(json).result;
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(result)) {
    names.insert(entry.path().filename().native());
  }
  EXPECT_THAT(
      names, testing::ElementsAre("model_index.json", "scheduler", "text_encoder", "text_encoder_2",
                                  "tokenizer", "tokenizer_2", "transformer", "vae"));
  EXPECT_TRUE(fs::exists(result / "tokenizer_2/spiece.model"));
}

TEST_F(Training, OfEveryWeightBeginsWithAllDigitsOfTheFiles) {
  Json json = config_json("full");
  json["lora"] = {{"targets", "full"}};
  json["save"]["dtype"] = "fp32";
  json["train"] = {{"steps", 1}, {"learning_rate", 0}, {"ema", 0}, {"dtype", "bf16"}};
  json.erase("sample");
  const auto written = weights::Checkpoint::open(run(json).result / "transformer");
  const auto base = weights::Checkpoint::open(ICLORA_FIXTURES "/models/toy-dev/transformer");
  for (const auto& [name, tensor] : base.tensors()) {
    EXPECT_TRUE(std::ranges::equal(written.find(name)->bytes, tensor.bytes)) << name;
  }
}

/// Micro-batches of random numbers, of which those in `wild` overflow on their way.
void write_replay(const fs::path& path, int64_t count, const std::set<int64_t>& wild) {
  std::vector<weights::TensorHead> heads;
  std::vector<at::Tensor> tensors;
  const auto add = [&](int64_t k, const char* name, const at::Tensor& tensor) {
    heads.push_back({fmt::format("{}.{}", k, name), weights::Dtype::f32, tensor.sizes().vec()});
    tensors.push_back(tensor);
  };
  for (int64_t k = 0; k < count; ++k) {
    const auto seed = static_cast<uint64_t>(10 * k);
    add(k, "latents", testing_support::normal({1, 16, 4, 4}, seed));
    add(k, "noise", testing_support::normal({1, 16, 4, 4}, seed + 1));
    add(k, "t5", testing_support::normal({1, 8, 24}, seed + 2));
    add(k, "clip", testing_support::normal({1, 16}, seed + 3) * (wild.contains(k) ? 5e37 : 1.0));
    add(k, "t", at::full({1}, 0.5, at::kFloat));
  }
  weights::SafetensorsWriter writer(path, heads);
  for (const at::Tensor& tensor : tensors) {
    writer.append({static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()});
  }
  writer.commit();
}

TEST_F(Training, LeavesOutSingleStepsThatAreNotNumbers) {
  write_replay(scratch_ / "replay.safetensors", 6, {2, 4});
  TrainOptions replayed = options();
  replayed.replay = scratch_ / "replay.safetensors";
  NoProgress progress;
  Json json = config_json("replayed");
  json["train"]["accumulate"] = 1;
  json.erase("sample");
  EXPECT_EQ(run(json, replayed, progress).steps, 6);
  const auto metrics = run::read_step_log(scratch_ / "replayed/metrics.jsonl");
  ASSERT_EQ(metrics.size(), 6U);
  for (size_t i = 0; i < metrics.size(); ++i) {
    EXPECT_EQ(metrics[i].value("skipped", false), i == 2 || i == 4) << i;
  }
}

TEST_F(Training, GoesBackOnceAndThenStopsWhereNumbersEnd) {
  write_replay(scratch_ / "replay.safetensors", 8, {3, 4, 5});
  TrainOptions replayed = options();
  replayed.replay = scratch_ / "replay.safetensors";
  NoProgress progress;
  Json json = config_json("replayed");
  json["train"]["accumulate"] = 1;
  json["train"]["steps"] = 8;
  json.erase("sample");
  try {
    run(json, replayed, progress);
    ADD_FAILURE() << "was not stopped";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), 7) << error.what();
  }
  EXPECT_FALSE(fs::exists(scratch_ / "replayed/lora/toy.safetensors"));
  EXPECT_TRUE(fs::exists(scratch_ / "replayed/checkpoints/000002/manifest.json"));
}

TEST_F(Training, RefusesBeforeItWritesAnything) {
  struct Case {
    std::string pointer;
    Json value;
    std::string said;
  };
  const std::vector<Case> cases = {
      {"/lora/rank", 33, "lora.rank"},
      {"/lora/targets", Json::array({"nothing.*"}), "lora.targets"},
      {"/model", "/nowhere/at/all", "/nowhere/at/all"},
      {"/data/path", "/nowhere/sets", "/nowhere/sets"},
      {"/data/grid", "2x2", "2x2"},
      {"/data/validation", 6, "validation"},
  };
  for (const Case& one : cases) {
    Json json = config_json("refused");
    json[Json::json_pointer(one.pointer)] = one.value;
    try {
      run(json);
      ADD_FAILURE() << one.pointer << " was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.exit_code(), 2) << error.what();
      EXPECT_THAT(error.what(), testing::HasSubstr(one.said)) << one.pointer;
    }
    EXPECT_FALSE(fs::exists(scratch_ / "refused")) << one.pointer;
  }
}

TEST_F(Training, UsesTheCacheAndSurvivesADamagedOne) {
  run(config_json("first"));
  size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(scratch_ / "cache")) {
    if (entry.path().extension() != ".safetensors") continue;
    ++files;
    if (files % 2 == 0) fs::resize_file(entry.path(), fs::file_size(entry.path()) / 2);
  }
  // Six canvases, their 18 panels (fewer where equal), seven captions.
  EXPECT_GE(files, 13U);
  run(config_json("second"));
  EXPECT_EQ(outcome("first"), outcome("second"));
  Phases phases;
  run(config_json("third"), options(), phases);
  EXPECT_THAT(phases.seen, testing::Not(testing::Contains("encoding pictures")));
}

}  // namespace
}  // namespace iclora::train
