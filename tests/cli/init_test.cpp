#include <gtest/gtest.h>

#include "cli/program.h"
#include "core/error.h"
#include "core/json.h"
#include "image/read.h"
#include "tokenizers/clip_tokenizer.h"
#include "tokenizers/t5_tokenizer.h"
#include "weights/checkpoint.h"

namespace iclora {
namespace {

namespace fs = std::filesystem;
using testing_support::expect_refused;
using testing_support::ProgramRun;
using testing_support::run_program;
using testing_support::ScratchFolder;
using testing_support::text_of_file;

/// `iclora init` with the given configuration; the folder is scratch/model.
ProgramRun init(const ScratchFolder& scratch, const std::string& yaml,
                const std::vector<std::string>& more = {}, const std::string& name = "model") {
  std::ofstream(scratch / "config.yaml") << yaml;
  std::vector<std::string> line = {"init", (scratch / "config.yaml").native(), "--out",
                                   (scratch / name).native()};
  line.insert(line.end(), more.begin(), more.end());
  return run_program(line);
}

TEST(Init, MakesACompleteModelFolder) {
  const ScratchFolder scratch;
  const ProgramRun made = init(scratch, "preset: toy\n", {"--json"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const Json result = parse_json(made.out, "init");
  EXPECT_EQ(result["model"], (scratch / "model").native());
  const ProgramRun seen = run_program({"inspect", (scratch / "model").native(), "--json"});
  const Json report = parse_json(seen.out, "inspect");
  int64_t parameters = 0;
  for (const auto& [name, component] : report["components"].items()) {
    EXPECT_EQ(component["coverage"]["found"], component["coverage"]["expected"]) << name;
    EXPECT_TRUE(component["coverage"]["unexpected"].empty()) << name;
    EXPECT_TRUE(component["dtypes"].contains("BF16")) << name;
    parameters += component["parameters"].get<int64_t>();
  }
  EXPECT_EQ(parameters, result["parameters"].get<int64_t>());
  EXPECT_EQ(report["native_panel"], "64x64");
}

TEST(Init, GivesTheSameBytesForTheSameSeedAndOthersForAnother) {
  const ScratchFolder scratch;
  const auto weights = [&](const std::string& name, const std::string& seed) {
    EXPECT_EQ(init(scratch, "preset: toy\n", {"--seed", seed, "--dtype", "fp32"}, name).exit_code,
              0);
    return text_of_file(scratch / name / "transformer/diffusion_pytorch_model.safetensors");
  };
  const std::string first = weights("a", "3");
  EXPECT_EQ(first, weights("b", "3"));
  EXPECT_NE(first, weights("c", "4"));
}

TEST(Init, TakesSizesAndTokenizersFromTheConfiguration) {
  const ScratchFolder scratch;
  const std::string fixtures = ICLORA_FIXTURES "/models/toy-dev/";
  const ProgramRun made = init(
      scratch, "preset: toy\ntransformer: {num_layers: 1, guidance_embeds: false}\ntokenizer: " +
                   fixtures + "tokenizer\ntokenizer_2: " + fixtures +
                   "tokenizer_2\ntext_length: 32\npanel: 32x48\ndialect: image\n");
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const Json config = read_json(scratch / "model/transformer/config.json");
  EXPECT_EQ(config["num_layers"], 1);
  EXPECT_EQ(config["guidance_embeds"], false);
  EXPECT_EQ(text_of_file(scratch / "model/tokenizer/vocab.json"),
            text_of_file(fixtures + "tokenizer/vocab.json"));
  const auto t5 = tokenizers::T5Tokenizer::open(scratch / "model/tokenizer_2");
  EXPECT_EQ(t5.model_max_length(), 32);
  const Json native = read_json(scratch / "model/iclora.json");
  EXPECT_EQ(native["panel"], "32x48");
  EXPECT_EQ(native["dialect"], "image");
}

TEST(Init, MakesTokenizersThatEncodeAnyText) {
  const ScratchFolder scratch;
  ASSERT_EQ(init(scratch, "preset: toy\n").exit_code, 0);
  const auto clip = tokenizers::ClipTokenizer::open(scratch / "model/tokenizer");
  const auto t5 = tokenizers::T5Tokenizer::open(scratch / "model/tokenizer_2");
  const std::string text = "The [SCENE-1] fox, 12 % off!";
  EXPECT_GT(clip.encode(text).size(), 10u);
  for (const int32_t id : t5.encode(text)) EXPECT_NE(id, 2) << "unknown";
}

TEST(Init, MakesAModelThatGenerateRuns) {
  const ScratchFolder scratch;
  ASSERT_EQ(init(scratch, "preset: toy\n").exit_code, 0);
  const auto generate = [&](const std::string& out, const std::vector<std::string>& more) {
    std::vector<std::string> line = {"generate", "--out", (scratch / out).native(), "--json"};
    line.insert(line.end(), more.begin(), more.end());
    return run_program(line);
  };
  const ProgramRun first = generate("out", {"--model", (scratch / "model").native(), "--prompt",
                                            "[LEFT] a [RIGHT] [b]", "--steps", "2", "--seed", "5"});
  ASSERT_EQ(first.exit_code, 0) << first.err;
  const Json result = parse_json(first.out, "generate");
  EXPECT_EQ(result["seed"], 5);
  ASSERT_EQ(result["panels"][0].size(), 2u);
  const image::Image panel = image::read_image(result["panels"][0][1].get<std::string>());
  EXPECT_EQ(panel.width, 64);
  EXPECT_EQ(panel.height, 64);
  // The picture makes itself again, byte for byte; its canvas can be split on its own.
  const ProgramRun again =
      generate("again.png", {"--from", (scratch / "out/canvas-01.png").native(), "--no-split"});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(text_of_file(scratch / "again.png"), text_of_file(scratch / "out/canvas-01.png"));
  const ProgramRun split = run_program(
      {"split", (scratch / "again.png").native(), "--out", (scratch / "parts").native()});
  EXPECT_EQ(split.exit_code, 0) << split.err;
  EXPECT_EQ(image::read_image(scratch / "parts/2.png"), panel);
}

struct BadConfig {
  std::string yaml, part;
};

class BadInit : public testing::TestWithParam<BadConfig> {};

TEST_P(BadInit, IsRefusedAndLeavesNothing) {
  const ScratchFolder scratch;
  expect_refused(init(scratch, GetParam().yaml), 2, GetParam().part);
  size_t entries = 0;
  for (const auto& entry : fs::directory_iterator(scratch.path())) {
    (void)entry;
    ++entries;
  }
  EXPECT_EQ(entries, 1u) << "more than config.yaml is there";
}

INSTANTIATE_TEST_SUITE_P(
    Configs, BadInit,
    testing::Values(
        BadConfig{"preset: tiny\n", "flux-dev, flux-schnell or toy"},
        BadConfig{"preset: toy\npreset: toy\n", "preset"},
        BadConfig{"presett: toy\n", "did you mean 'preset'?"},
        BadConfig{"preset: toy\ntransformer: {num_layer: 2}\n", "did you mean 'num_layers'?"},
        BadConfig{"preset: toy\ntransformer: {num_layers: two}\n", "num_layers"},
        BadConfig{"preset: toy\ntransformer: {num_layers: -1}\n", "num_layers"},
        BadConfig{"preset: toy\ntransformer: 3\n", "transformer"},
        BadConfig{"preset: toy\ntransformer: {joint_attention_dim: 48}\n", "make them equal"},
        BadConfig{"preset: toy\ntransformer: {attention_head_dim: 30}\n", "axes_dims_rope"},
        BadConfig{"preset: toy\ntext_encoder: {vocab_size: 10}\n", "vocab_size"},
        BadConfig{"preset: toy\ntokenizer: nowhere\n", "nowhere"},
        BadConfig{"preset: toy\npanel: 60x64\n", "the nearest is 64x64"},
        BadConfig{"preset: toy\ntext_length: 0\n", "text_length"},
        BadConfig{"preset: toy\ndialect: verse\n", "verse"},
        BadConfig{"- a\n- b\n", "must be a map"}, BadConfig{"a: [1, 2\n", "config.yaml"},
        BadConfig{"", "config.yaml"}));

TEST(Init, RefusesAFolderThatHoldsSomething) {
  const ScratchFolder scratch;
  fs::create_directories(scratch / "model");
  std::ofstream(scratch / "model/note.txt") << "mine";
  expect_refused(init(scratch, "preset: toy\n"), 6, "exists already");
  EXPECT_EQ(text_of_file(scratch / "model/note.txt"), "mine");
  EXPECT_FALSE(fs::exists(scratch / "model/model_index.json"));
}

TEST(Init, ReplacesNoLink) {
  for (const char* target : {"empty", "nowhere", "model"}) {
    const ScratchFolder scratch;
    fs::create_directories(scratch / "empty");
    fs::create_symlink(target, scratch / "model");
    expect_refused(init(scratch, "preset: toy\n"), 6, "is a link");
    EXPECT_EQ(fs::read_symlink(scratch / "model"), target);
    EXPECT_TRUE(fs::is_empty(scratch / "empty"));
  }
}

}  // namespace
}  // namespace iclora
