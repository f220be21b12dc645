#include "run/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/file.h"
#include "core/yaml.h"
#include "refusal.h"
#include "run/load_config.h"
#include "run/settings.h"
#include "run/yaml_writer.h"
#include "scratch.h"

namespace iclora::run {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::refusal_of;

constexpr const char* kLeast = "model: m\ndata: {path: d}\n";

Config config_of(const std::string& yaml, const std::vector<std::string>& settings = {}) {
  Json document = parse_yaml(yaml, "'c.yaml'");
  Places places;
  apply_settings(document, settings, places);
  return config_from_json(document, "'c.yaml'", places);
}

std::string message_of(const std::string& yaml, const std::vector<std::string>& settings = {}) {
  return refusal_of([&] { config_of(yaml, settings); });
}

std::string with(const std::string& line) {
  return std::string(kLeast) + line + "\n";
}

TEST(Config, HasTheDefaultsOfTheDesign) {
  const Config config = config_of(kLeast);
  EXPECT_EQ(config_to_yaml(config), R"(name: ""
model: m
method: canvas
data:
  path: d
  grid: auto
  panel: auto
  fit: cover
  gutter: 0
  dialect: auto
  trigger: ""
  resolutions: []
  validation: 0
lora:
  rank: 16
  alpha: 16
  targets: all
train:
  steps: 600
  batch: 4
  accumulate: 1
  learning_rate: 0.0001
  optimizer: adamw
  betas: [0.9, 0.999]
  eps: 1.0e-08
  weight_decay: 0.0001
  schedule: constant
  warmup: 0
  clip: 1
  ema: 0.99
  caption_dropout: 0.05
  conditional: 0
  given_silent: 0.5
  given_timestep: shared
  given_sees: all
  checkpointing: auto
  threads: auto
  dtype: bf16
  seed: 42
  timesteps:
    sampling: logit_normal
    mean: 0
    std: 1
    shift: 1
save:
  every: 200
  keep: 4
  dtype: bf16
out: ""
)");
  EXPECT_FALSE(config.sample);
  const Config sampled = config_of(with("sample: {}"));
  ASSERT_TRUE(sampled.sample);
  EXPECT_EQ(config_to_json(sampled)["sample"],
            parse_json(R"({"every":200,"steps":20,"guidance":3.5,"seed":42,"prompts":[]})", "x"));
}

TEST(Config, EveryKeyIsRead) {
  const std::string yaml = R"(name: n
model: some/model
method: gdt
data: {path: "a b", grid: 2x3, panel: 64x96, fit: contain, gutter: 16, dialect: scene,
       trigger: "[X]", resolutions: [512, 768], validation: 0.25}
lora: {rank: 4, alpha: 2.5, targets: ["attn\\.to_q", ".*proj_out"]}
train: {steps: 7, batch: 2, accumulate: 3, learning_rate: 5e-3, optimizer: adamw, betas: [0.8, 0.95],
        eps: 1e-6, weight_decay: 0.01, schedule: cosine, warmup: 5, clip: 0, ema: 0, caption_dropout: 1,
        conditional: 0.5, given_silent: 0.25, given_timestep: zero, given_sees: given, checkpointing: on, threads: 3,
        dtype: fp32, seed: 0,
        timesteps: {sampling: uniform, mean: -0.5, std: 2, shift: 3}}
sample: {every: 0, steps: 4, guidance: 0, seed: 9223372036854775807, prompts: ["a: b", 'c "d" é
  next', "true"]}
save: {every: 5, keep: 1, dtype: fp16}
out: ../o
)";
  const Config config = config_of(yaml);
  // No value is a default, so a key that is not read or not written shows.
  const Json values = config_to_json(config), defaults = config_to_json(config_of(kLeast));
  EXPECT_EQ(values, [&] {
    Json given = parse_yaml(yaml, "x");
    given["data"]["validation"] = 0.25;
    return given;
  }());
  for (const std::string& key : config_keys()) {
    if (key == "train.optimizer" || key.starts_with("sample.")) continue;
    std::string pointer = "/" + key;
    std::replace(pointer.begin(), pointer.end(), '.', '/');
    EXPECT_NE(values.at(Json::json_pointer(pointer)), defaults.at(Json::json_pointer(pointer)))
        << key;
  }
  EXPECT_EQ(config.sample->prompts[1], "c \"d\" é next");
  EXPECT_EQ(config.lora.targets.kind, LoraTargets::Kind::patterns);
  EXPECT_EQ(*config.data.dialect, captions::Dialect::scene);
}

TEST(Config, ComesBackFromItsOwnYaml) {
  for (const std::string& more : std::vector<std::string>{
           "", "sample: {prompts: ['- x', '#', \"a\\tb\\n\", 'yes', '1e5', '\u2028ü', '']}",
           "lora: {targets: full}", "lora: {targets: ['a{2}']}", "train: {learning_rate: 3.3e-7}",
           "name: 'null'\nout: '007'", "data: {path: ' x: [', trigger: '[A], b'}"}) {
    const Config config = config_of(more.starts_with("data") ? "model: m\n" + more : with(more));
    const std::string yaml = config_to_yaml(config);
    EXPECT_EQ(config_to_json(config_of(yaml)), config_to_json(config)) << yaml;
    EXPECT_EQ(config_to_yaml(config_of(yaml)), yaml);
  }
}

TEST(Config, NamesTheNearestKnownKey) {
  EXPECT_EQ(message_of(with("train: {learning_rte: 1}")),
            "'c.yaml': 'train.learning_rte' is an unknown key; did you mean "
            "'train.learning_rate'?");
  EXPECT_THAT(message_of(with("rank: 4")), HasSubstr("'rank' is an unknown key; did you mean "
                                                     "'lora.rank'?"));
  EXPECT_THAT(message_of("modle: m\n"), HasSubstr("'modle' is an unknown key; did you mean "
                                                  "'model'?"));
  EXPECT_THAT(message_of(with("trian: {steps: 3}")), HasSubstr("did you mean 'train'?"));
  EXPECT_THAT(message_of(with("train: {timesteps: {sift: 3}}")),
              HasSubstr("'train.timesteps.sift' is an unknown key; did you mean "
                        "'train.timesteps.shift'?"));
  EXPECT_THAT(message_of(with("save: {zzzzzzzzz: 3}")),
              HasSubstr("known here are every, keep, dtype"));
}

TEST(Config, ChecksTypeRangeAndMeaning) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"train: {steps: 0}",
       "'c.yaml': 'train.steps' must be a whole number from 1 to 1000000000, "
       "but it is 0"},
      {"train: {steps: 2.5}", "but it is 2.5"},
      {"train: {steps: '3'}", "but it is \"3\""},
      {"train: {steps: 99999999999999999999}", "'train.steps'"},
      {"train: {seed: -1}", "'train.seed'"},
      {"train: {seed: 9223372036854775808}", "'train.seed'"},
      {"train: {learning_rate: -1e-4}", "'train.learning_rate' must be a number from 0"},
      {"train: {learning_rate: fast}", "'train.learning_rate'"},
      {"train: {learning_rate: .nan}", "'train.learning_rate'"},
      {"train: {betas: [0.9]}", "'train.betas' must be two numbers"},
      {"train: {betas: [0.9, 1]}", "'train.betas'"},
      {"train: {eps: 0}", "'train.eps' must be a number above 0 up to 1"},
      {"train: {ema: 1}", "'train.ema' must be a number from 0 to below 1"},
      {"train: {optimizer: prodigy}", "'train.optimizer' must be adamw, but it is \"prodigy\""},
      {"train: {schedule: step}", "must be constant or linear or cosine"},
      {"train: {dtype: fp16}", "'train.dtype' must be bf16 or fp32"},
      {"train: {threads: 0}", "'train.threads'"},
      {"train: {checkpointing: maybe}", "must be auto, on or off"},
      {"train: {caption_dropout: 1.5}", "'train.caption_dropout'"},
      {"train: {timesteps: {std: 0}}", "'train.timesteps.std'"},
      {"train: {timesteps: 3}", "'train.timesteps' must be a map of keys"},
      {"train: [1]", "'train' must be a map of keys"},
      {"lora: {rank: 0}", "'lora.rank'"},
      {"lora: {alpha: 0}", "'lora.alpha'"},
      {"lora: {targets: everything}", "'lora.targets' must be all, attention, full, or a list"},
      {"lora: {targets: []}", "'lora.targets'"},
      {"lora: {targets: ['(']}", "'(' is not a regular expression"},
      {"lora: {targets: [" + std::string(100'000, 'a') + "]}", "longer than 1000 bytes"},
      {"sample: {prompts: one}", "'sample.prompts' must be a list of texts"},
      {"sample: {prompts: [1]}", "'sample.prompts'"},
      {"save: {keep: 0}", "'save.keep'"},
      {"name: a/b", "'name' must be the name of a file"},
      {"name: ..", "'name'"},
      {"name: 7", "must be a text (put it in quotes), but it is 7"},
      {"out: \"a\\0b\"", "without zero bytes"},
  };
  for (const auto& [line, expected] : cases) {
    EXPECT_THAT(message_of(with(line)), HasSubstr(expected)) << line;
  }
  const std::vector<std::pair<std::string, std::string>> data = {
      {"grid: 3by1", "'data.grid' must be auto or rows x columns"},
      {"grid: 0x1", "'data.grid'"},
      {"grid: 3", "'data.grid'"},
      {"panel: 60x64", "64x64"},
      {"panel: 64", "'data.panel'"},
      {"panel: 32768x16", "'data.panel'"},
      {"gutter: 8", "'data.gutter' must be a multiple of 16"},
      {"dialect: klingon", "'data.dialect'"},
      {"resolutions: [8]", "'data.resolutions'"},
      {"resolutions: 512", "'data.resolutions'"},
      {"validation: 1.5", "'data.validation'"},
      {"validation: -1", "'data.validation'"},
      {"fit: crop", "must be cover or contain"},
  };
  for (const auto& [line, expected] : data) {
    EXPECT_THAT(message_of("model: m\ndata: {path: d, " + line + "}"), HasSubstr(expected)) << line;
  }
}

TEST(Config, NeedsAModelAndData) {
  EXPECT_THAT(message_of("data: {path: d}"), HasSubstr("'model' is required"));
  EXPECT_THAT(message_of("model: m"), HasSubstr("'data.path' is required"));
  EXPECT_THAT(message_of("model: m\ndata:\n"), HasSubstr("'data.path' is required"));
  EXPECT_THAT(message_of("model: ''\ndata: {path: d}"), HasSubstr("'model' must be a text that"));
}

TEST(Settings, WinOverTheFile) {
  const Config config =
      config_of(with("train: {steps: 9, batch: 2}"),
                {"train.steps=5", "train.learning_rate=1e-3", "train.betas=[0.5, 0.6]",
                 "data.grid=1x2", "train.timesteps={shift: 3}", "train.timesteps.mean=1",
                 "sample.prompts=[\"a, b\", c]", "train.steps=6"});
  EXPECT_EQ(config.train.steps, 6);
  EXPECT_EQ(config.train.batch, 2);
  EXPECT_EQ(config.train.learning_rate, 1e-3);
  EXPECT_EQ(config.train.beta2, 0.6);
  EXPECT_EQ(config.train.timesteps.shift, 3);
  EXPECT_EQ(config.train.timesteps.mean, 1);
  EXPECT_EQ(config.data.path, "d");
  EXPECT_THAT(config.sample->prompts, ElementsAre("a, b", "c"));
}

TEST(Settings, TakeTextsAsTheyStand) {
  const Config config =
      config_of(kLeast, {"data.trigger=[MOVIE-SHOTS] 'x", "name=2024", "model=a=b"});
  EXPECT_EQ(config.data.trigger, "[MOVIE-SHOTS] 'x");
  EXPECT_EQ(config.name, "2024");
  EXPECT_EQ(config.model, "a=b");
  EXPECT_EQ(config_of(kLeast, {"model=\"q\""}).model, "q");
}

TEST(Settings, TakeNoListForAText) {
  for (const char* key : {"name", "model", "data.path", "out"}) {
    for (const char* value : {"[[x]]", "[x]", "{a: 1}"}) {
      EXPECT_THAT(message_of(kLeast, {fmt::format("{}={}", key, value)}),
                  HasSubstr(fmt::format("--set {} must be a text", key)))
          << value;
    }
  }
  EXPECT_EQ(config_of(kLeast, {"data.trigger=[[x]]"}).data.trigger, "[[x]]");
}

TEST(Settings, GiveBackTheDefaultForNull) {
  const std::string file = with("sample: {every: 3}\nlora: {rank: 2}");
  EXPECT_FALSE(config_of(file, {"sample=null"}).sample);
  EXPECT_EQ(config_of(file, {"lora.rank="}).lora.rank, 16);
}

TEST(Settings, NameThemselvesInErrors) {
  EXPECT_EQ(message_of(kLeast, {"train.step=5"}),
            "--set train.step is an unknown key; did you mean 'train.steps'?");
  EXPECT_EQ(message_of(kLeast, {"train.steps=x"}),
            "--set train.steps must be a whole number from 1 to 1000000000, but it is \"x\"");
  EXPECT_THAT(message_of(kLeast, {"train={steps: 0}"}), HasSubstr("--set train ('steps') must be"));
  EXPECT_THAT(message_of(kLeast, {"train.steps"}), HasSubstr("key.path=value"));
  EXPECT_THAT(message_of(kLeast, {"train..steps=1"}), HasSubstr("key.path=value"));
  EXPECT_THAT(message_of(kLeast, {"=1"}), HasSubstr("key.path=value"));
  EXPECT_THAT(message_of(kLeast, {"model.x=1"}), HasSubstr("no such key"));
  EXPECT_THAT(message_of(kLeast, {"train.betas=[1"}), HasSubstr("not valid YAML"));
}

TEST(FirstDifference, IgnoresStepsSampleSaveAndWhereTheFolderIs) {
  const Config before = config_of(with("train: {steps: 9}"));
  EXPECT_FALSE(first_difference(before, config_of(with("train: {steps: 20}\nsample: {every: 3}\n"
                                                       "save: {every: 1, dtype: fp32}\nout: x"))));
  const auto difference =
      first_difference(before, config_of(with("train: {learning_rate: 1, seed: 3}")));
  ASSERT_TRUE(difference);
  EXPECT_EQ(difference->key, "train.learning_rate");
  EXPECT_EQ(difference->before, "0.0001");
  EXPECT_EQ(difference->after, "1.0");
  for (const char* line : {"name: x", "method: gdt", "lora: {targets: full}", "train: {threads: 2}",
                           "train: {timesteps: {shift: 2}}"}) {
    EXPECT_TRUE(first_difference(before, config_of(with(line)))) << line;
  }
}

TEST(ValidationSets, AreANumberOrAShare) {
  DataConfig data;
  EXPECT_EQ(data.validation_sets(10), 0);
  data.validation = 3;
  EXPECT_EQ(data.validation_sets(10), 3);
  EXPECT_THROW(data.validation_sets(3), Error);
  data.validation = 0.25;
  EXPECT_EQ(data.validation_sets(10), 3);
  EXPECT_EQ(data.validation_sets(2), 1);
}

TEST(LoadConfig, SettlesNameAndOut) {
  const testing_support::ScratchFolder scratch;
  const auto file = scratch / "storyboard.v2.yaml";
  write_file(file, kLeast);
  Config config = load_config(file).config;
  EXPECT_EQ(config.name, "storyboard.v2");
  EXPECT_EQ(config.out, "runs/storyboard.v2");
  config = load_config(file, {"name=n"}).config;
  EXPECT_EQ(config.out, "runs/n");
  for (const char* setting : {"out=here", "out="}) {
    EXPECT_EQ(load_config(file, {setting}, "here").config.out, "here");
  }
  EXPECT_THROW(load_config(file, {"out=there"}, "here"), Error);
  write_file(file, std::string(kLeast) + "\nout: there");
  EXPECT_EQ(load_config(file, {}, "here").config.out, "here");
  write_file(file, "[1]");
  EXPECT_THROW(load_config(file), Error);
  EXPECT_THROW(load_config(scratch / "none.yaml"), Error);
}

}  // namespace
}  // namespace iclora::run
