// A whole pre-training of the toy model on a few drawings.

#include "pretrain/pretrain.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "core/error.h"
#include "core/hash.h"
#include "pretrain/draw.h"
#include "run/metrics.h"
#include "sampling/model.h"
#include "scratch.h"
#include "weights/checkpoint.h"
#include "weights/safetensors_writer.h"

namespace iclora::pretrain {
namespace {

namespace fs = std::filesystem;

/// Stops the work when a phase has come to a step.
class StopAt final : public Progress {
 public:
  StopAt(std::string phase, int64_t step) : phase_(std::move(phase)), step_(step) {}
  void report(const ProgressEvent& event) override {
    if (event.phase == phase_ && event.step >= step_) stop_ = true;
  }
  bool cancelled() const override { return stop_; }

 private:
  std::string phase_;
  int64_t step_;
  bool stop_ = false;
};

class Pretraining : public testing::Test {
 protected:
  Pretraining() : threads_(at::get_num_threads()) {
    write_pack("single", 12, 1, "");
    write_pack("pairs", 8, 2, "1x2");
    for (const char* stage : {"vae", "text", "transformer"}) {
      StageRecipe& recipe = this->stage(stage);
      recipe.held_out = scratch_ / "single";
      recipe.save_every = 2;
      recipe.shards = 3;
      recipe.latent_noise = 0.1;
      Phase phase;
      phase.steps = 4;
      phase.batch = 6;
      phase.crop = 16;
      phase.data = {{scratch_ / "single", 1}, {scratch_ / "pairs", 1}};
      phase.head_weight = 0.1;
      phase.caption_dropout = 0.2;
      phase.full_text = 0.5;
      recipe.phases = {phase};
    }
  }
  ~Pretraining() override { at::set_num_threads(threads_); }

  /// A pupil of the transformer beside the other stages.
  void add_guidance() {
    recipe_.guidance = recipe_.transformer;
    Phase& phase = recipe_.guidance->phases[0];
    phase.head_weight = 0;
    phase.distilled = 0.5;
  }

  StageRecipe& stage(const std::string& name) {
    return name == "vae" ? recipe_.vae : name == "text" ? recipe_.text : recipe_.transformer;
  }

  void write_pack(const std::string& name, int64_t count, int64_t panels, const std::string& grid) {
    const fs::path folder = scratch_ / name;
    fs::create_directories(folder);
    std::ofstream(folder / "classes.json") << R"({"columns": ["subject", "place"],
               "classes": {"subject": ["cat", "dog", "owl"], "place": ["sea", "wood"]}})";
    std::vector<int64_t> shape = {count, 32, 32, 3};
    std::vector<int64_t> label_shape = {count, 2};
    if (!grid.empty()) {
      shape.insert(shape.begin() + 1, panels);
      label_shape.insert(label_shape.begin() + 1, panels);
    }
    std::vector<uint8_t> images(static_cast<size_t>(count * panels * 32 * 32 * 3));
    std::vector<int16_t> labels;
    std::ofstream captions(folder / "a.jsonl");
    for (int64_t i = 0; i < count; ++i) {
      std::string text;
      Json parts = Json::array();
      for (int64_t p = 0; p < panels; ++p) {
        const int64_t subject = (i + p) % 3;
        const int64_t place = (i + 2 * p) % 2;
        labels.push_back(static_cast<int16_t>(subject));
        labels.push_back(static_cast<int16_t>(place));
        const size_t first = static_cast<size_t>((i * panels + p) * 32 * 32 * 3);
        for (size_t k = 0; k < 32 * 32 * 3; ++k) {
          images[first + k] = static_cast<uint8_t>(k % 96 * (subject + 1) + place * 90);
        }
        parts.push_back(fmt::format("{} {}", "abc"[subject], "xy"[place]));
        text += fmt::format("{}[{}] {}", p > 0 ? " " : "", p, parts.back().get<std::string>());
      }
      const Json joint = {{"text", text}, {"panels", parts}, {"says", std::vector(panels, 3)}};
      const Json line = {
          {"captions", Json::array({grid.empty() ? Json::array({parts[0], 3}) : joint})}};
      captions << line.dump() << "\n";
    }
    weights::SafetensorsWriter writer(
        folder / "a.safetensors",
        {{"images", weights::Dtype::u8, shape}, {"labels", weights::Dtype::i16, label_shape}},
        grid.empty() ? std::map<std::string, std::string>{}
                     : std::map<std::string, std::string>{{"grid", grid}});
    writer.append(std::as_bytes(std::span(images)));
    writer.append(std::as_bytes(std::span(labels)));
    writer.commit();
  }

  PretrainOptions options(const std::string& name) {
    PretrainOptions options;
    options.out = scratch_ / name;
    fs::create_directories(options.out);
    fs::copy(ICLORA_FIXTURES "/models/toy-dev", options.out / "model",
             fs::copy_options::recursive | fs::copy_options::skip_existing);
    return options;
  }

  /// The weights of all four parts.
  std::string digest(const std::string& name) const {
    std::string all;
    for (const char* part : {"vae/diffusion_pytorch_model", "text_encoder/model",
                             "text_encoder_2/model", "transformer/diffusion_pytorch_model"}) {
      all +=
          sha256_of_file(scratch_ / name / "model" / (part + std::string(".safetensors"))) + "\n";
    }
    return all;
  }

  Recipe recipe_;
  testing_support::ScratchFolder scratch_;
  int threads_;
};

TEST_F(Pretraining, GivesTheSameBytesOnAnyThreadsAndHoweverItIsStopped) {
  NoProgress no_progress;
  add_guidance();
  recipe_.vae.muon = recipe_.transformer.muon = true;
  at::set_num_threads(1);
  pretrain(recipe_, options("one"), no_progress);
  at::set_num_threads(3);
  pretrain(recipe_, options("three"), no_progress);
  EXPECT_EQ(digest("three"), digest("one"));

  for (const char* phase :
       {"autoencoder", "texts", "encoding drawings", "transformer", "guidance"}) {
    StopAt stop(phase, 3);
    try {
      pretrain(recipe_, options("stopped"), stop);
      ADD_FAILURE() << "not stopped in " << phase;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::interrupted) << error.what();
    } catch (const Cancelled&) {
    }
  }
  pretrain(recipe_, options("stopped"), no_progress);
  EXPECT_EQ(digest("stopped"), digest("one"));
  // Finished: nothing is done again.
  pretrain(recipe_, options("stopped"), no_progress);
  EXPECT_EQ(digest("stopped"), digest("one"));
}

TEST_F(Pretraining, LearnsInEveryStage) {
  NoProgress no_progress;
  for (const char* name : {"vae", "text", "transformer"}) {
    stage(name).phases[0].steps = 60;
    stage(name).phases[0].learning_rate = 3e-3;
    stage(name).phases[0].full_text = 0;
    stage(name).save_every = 60;
  }
  pretrain(recipe_, options("learns"), no_progress);
  const auto losses = [&](const char* name) {
    std::vector<double> mean(2);
    const auto lines = run::read_step_log(scratch_ / "learns" / name / "metrics.jsonl");
    EXPECT_EQ(lines.size(), 60U);
    for (size_t i = 0; i < 10; ++i) {
      mean[0] += lines[i].at("loss").get<double>() / 10;
      mean[1] += lines[lines.size() - 1 - i].at("loss").get<double>() / 10;
    }
    return mean;
  };
  // Six kinds of drawings are learnt by heart soon; a stage that does not learn stays where it is.
  for (const auto& [name, share] : {std::pair("vae", 0.7), {"text", 0.65}, {"transformer", 0.8}}) {
    const auto loss = losses(name);
    EXPECT_LT(loss[1], share * loss[0]) << name;
  }
}

TEST_F(Pretraining, EveryTokenTellsWhatItsPanelShowsAndWhereItLies) {
  NoProgress no_progress;
  StageRecipe& texts = stage("text");
  texts.held_out = scratch_ / "pairs";
  texts.save_every = texts.phases[0].steps = 150;
  texts.phases[0].learning_rate = 3e-3;
  PretrainOptions only = options("tokens");
  only.stages = {"text"};
  pretrain(recipe_, only, no_progress);
  std::ifstream lines(only.out / "text/measures.jsonl");
  std::string line;
  ASSERT_TRUE(std::getline(lines, line));
  const Json measured = parse_json(line, "measures.jsonl");
  // Guessing gives a half of the places (left, right, behind) and of what is told (3 and 2
  // classes).
  EXPECT_GT(measured.at("place").get<double>(), 0.9);
  EXPECT_GT(measured.at("t5").get<double>(), 0.9);
}

TEST_F(Pretraining, GoesOnFromAModelWithoutForgettingIt) {
  NoProgress no_progress;
  for (const char* name : {"vae", "text", "transformer"}) {
    stage(name).phases[0].steps = 2;
    stage(name).phases[0].learning_rate = stage(name).phases[0].end_learning_rate = 0;
    stage(name).phases[0].warmup = 0;
  }
  const auto last_layer = [&](const std::string& name) {
    const auto stored = weights::Checkpoint::open(scratch_ / name / "model/transformer");
    const auto bytes = stored.find("proj_out.weight")->bytes;
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  PretrainOptions begun = options("begun");
  PretrainOptions kept = options("kept");
  begun.stages = kept.stages = {"text", "transformer"};
  // What the layer is as bf16, after training that changes nothing.
  pretrain(recipe_, begun, no_progress);
  EXPECT_EQ(last_layer("begun"), std::string(last_layer("begun").size(), '\0'));
  recipe_.from = scratch_ / "kept/model";
  pretrain(recipe_, kept, no_progress);
  EXPECT_NE(last_layer("kept"), std::string(last_layer("kept").size(), '\0'));
}

TEST_F(Pretraining, MuonIsForTheBlocksMatricesAlone) {
  NoProgress no_progress;
  recipe_.from = scratch_ / "adamw/model";  // else the zeros of a beginning hold gradients back
  stage("transformer").phases[0].steps = 1;
  stage("transformer").phases[0].warmup = 0;
  std::vector<weights::Checkpoint> trained;
  for (const char* name : {"adamw", "muon"}) {
    PretrainOptions only = options(name);
    only.stages = {"transformer"};
    recipe_.transformer.muon = name == std::string("muon");
    pretrain(recipe_, only, no_progress);
    trained.push_back(weights::Checkpoint::open(only.out / "model/transformer"));
  }
  int matrices = 0;
  for (const auto& [name, tensor] : trained[0].tensors()) {
    const bool block_matrix = name.find("transformer_blocks.") != std::string::npos &&
                              name.ends_with(".weight") && name.find("norm") == std::string::npos;
    const auto& other = *trained[1].find(name);
    const bool same = std::equal(tensor.bytes.begin(), tensor.bytes.end(), other.bytes.begin());
    EXPECT_EQ(same, !block_matrix) << name;
    matrices += block_matrix ? 1 : 0;
  }
  EXPECT_GT(matrices, 10);
}

TEST_F(Pretraining, ADecoderLearnsAloneAndTheLatentsStayValid) {
  NoProgress no_progress;
  PretrainOptions first = options("decoder");
  first.stages = {"vae", "transformer"};
  pretrain(recipe_, first, no_progress);
  const auto weights_of = [&](const char* half) {
    const auto stored = weights::Checkpoint::open(first.out / "model/vae");
    std::string all;
    for (const auto& [name, tensor] : stored.tensors()) {
      if (!name.starts_with(half)) continue;
      all.append(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
    }
    EXPECT_FALSE(all.empty()) << half;
    return all;
  };
  const auto latents_written = [&] {
    std::vector<fs::file_time_type> times;
    for (const auto& file : fs::directory_iterator(first.out / "latents")) {
      times.push_back(fs::last_write_time(file));
    }
    std::sort(times.begin(), times.end());
    return times;
  };
  const std::string encoder = weights_of("encoder.");
  const std::string decoder = weights_of("decoder.");
  const auto written = latents_written();

  recipe_.from = first.out / "model";
  recipe_.vae.decoder_only = true;
  for (const char* stage : {"vae", "transformer"}) fs::remove_all(first.out / stage);
  pretrain(recipe_, first, no_progress);
  EXPECT_EQ(weights_of("encoder."), encoder);
  EXPECT_NE(weights_of("decoder."), decoder);
  EXPECT_EQ(latents_written(), written);
}

TEST_F(Pretraining, APupilOfTheTransformerTakesGuidanceAsItsTeacherMeansIt) {
  NoProgress no_progress;
  const auto sentence = [&](const PretrainOptions& asked) {
    try {
      pretrain(recipe_, asked, no_progress);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::input);
      return std::string(error.what());
    }
    return std::string("no error");
  };
  PretrainOptions all = options("taught");
  PretrainOptions guidance = all;
  guidance.stages = {"guidance"};
  EXPECT_THAT(sentence(guidance), testing::HasSubstr("no stage 'guidance'"));
  add_guidance();
  EXPECT_EQ(sentence(all), "no error");
  // A transformer that was trained further is another teacher.
  stage("transformer").phases[0].steps += 2;
  EXPECT_THAT(sentence(all), testing::HasSubstr("begun with another transformer"));

  PretrainOptions without = options("schnell");
  Json config = read_json(without.out / "model/transformer/config.json");
  config["guidance_embeds"] = false;
  std::ofstream(without.out / "model/transformer/config.json") << config;
  EXPECT_THAT(sentence(without), testing::HasSubstr("without guidance embedding"));
}

TEST_F(Pretraining, TokensOfAPartAreThoseOfItsText) {
  const sampling::OpenModel model = sampling::open_model(ICLORA_FIXTURES "/models/toy-dev", {});
  const Pack pack = read_pack(scratch_ / "pairs", &*model.t5_tokenizer, &*model.clip_tokenizer);
  const Caption& caption = pack.shards.at(0).captions.at(1).at(0);  // "[0] b y [1] c y"
  ASSERT_EQ(caption.part_begins.size(), 2U);
  const auto part = [&](size_t p) {
    return std::vector<int32_t>(caption.t5.begin() + caption.part_begins[p],
                                caption.t5.begin() + caption.part_ends[p]);
  };
  auto expected = model.t5_tokenizer->encode("b y");
  expected.pop_back();
  EXPECT_EQ(part(0), expected);
  EXPECT_EQ(pack.shards.at(0).canvas(0).sizes(), (at::IntArrayRef{32, 64, 3}));
}

TEST_F(Pretraining, RefusesAPackThatIsNone) {
  NoProgress no_progress;
  const auto sentence = [&] {
    try {
      pretrain(recipe_, options("bad"), no_progress);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::input);
      return std::string(error.what());
    }
    return std::string("no error");
  };
  std::ofstream(scratch_ / "single/a.jsonl", std::ios::app) << R"({"captions": [["a", 3]]})"
                                                               "\n";
  EXPECT_THAT(sentence(), testing::HasSubstr("13 lines, but there are 12 drawings"));
  fs::remove(scratch_ / "single/a.safetensors");
  EXPECT_THAT(sentence(), testing::HasSubstr("no drawings"));
}

}  // namespace
}  // namespace iclora::pretrain
