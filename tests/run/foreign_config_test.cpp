#include "run/foreign_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "core/error.h"
#include "core/file.h"
#include "core/yaml.h"
#include "refusal.h"
#include "run/load_config.h"
#include "scratch.h"

namespace iclora::run {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing_support::refusal_of;

constexpr const char* kPaper = ICLORA_FIXTURES "/run/movie-shots.yml";

/// The paper's file with some of its text replaced.
class Variant {
 public:
  Variant(const std::string& from, const std::string& to) {
    std::string text = read_file(kPaper, 1 << 20);
    const size_t at = text.find(from);
    if (at == std::string::npos) throw std::runtime_error("no '" + from + "' in the file");
    write_file(scratch_ / "x.yml", text.replace(at, from.size(), to));
  }
  LoadedConfig load(const std::vector<std::string>& settings = {}) const {
    return load_config(scratch_ / "x.yml", settings);
  }
  std::string message() const {
    return refusal_of([&] { load(); });
  }

 private:
  testing_support::ScratchFolder scratch_;
};

std::string verdict(const LoadedConfig& loaded, const std::string& key) {
  for (const std::string& line : loaded.report) {
    if (line.starts_with(key + ": ")) return line.substr(key.size() + 2);
  }
  return "no line";
}

std::string process(const std::string& key) {
  return "config.process.0." + key;
}

TEST(ForeignConfig, ThePapersFileBecomesThePapersRecipe) {
  const Config config = load_config(kPaper).config;
  EXPECT_EQ(config.name, "movie-shots");
  EXPECT_EQ(config.out, "output/movie-shots");
  EXPECT_EQ(config.model, "black-forest-labs/FLUX.1-dev");
  EXPECT_EQ(config.method, Method::canvas);
  EXPECT_EQ(config.data.path, "data/movie-shots");
  EXPECT_THAT(config.data.resolutions, ElementsAre(512, 768, 1024, 1280, 1536));
  EXPECT_FALSE(config.data.panel);
  EXPECT_EQ(config.lora.rank, 16);
  EXPECT_EQ(config.lora.alpha, 16);
  EXPECT_EQ(config.lora.targets.kind, LoraTargets::Kind::all);
  EXPECT_EQ(config.train.steps, 5000);
  EXPECT_EQ(config.train.batch, 4);
  EXPECT_EQ(config.train.accumulate, 1);
  EXPECT_EQ(config.train.learning_rate, 1e-4);
  EXPECT_EQ(config.train.eps, 1e-6);
  EXPECT_EQ(config.train.schedule, Schedule::constant);
  EXPECT_EQ(config.train.warmup, 0);
  EXPECT_EQ(config.train.clip, 1.0);
  EXPECT_EQ(config.train.ema, 0.99);
  EXPECT_EQ(config.train.caption_dropout, 0.05);
  EXPECT_EQ(config.train.conditional, 0);
  EXPECT_EQ(config.train.checkpointing, Checkpointing::on);
  EXPECT_EQ(config.train.dtype, Precision::bf16);
  EXPECT_EQ(config.train.timesteps.sampling, TimestepSampling::logit_normal);
  EXPECT_EQ(config.train.timesteps.shift, 1);
  ASSERT_TRUE(config.sample);
  EXPECT_EQ(config.sample->every, 250);
  EXPECT_EQ(config.sample->steps, 20);
  EXPECT_EQ(config.sample->guidance, 3.5);
  EXPECT_EQ(config.sample->seed, 42u);
  EXPECT_THAT(config.sample->prompts,
              ElementsAre(HasSubstr("[SCENE-3] and <Mara>"), HasSubstr("A letter arrives")));
  EXPECT_EQ(config.save.every, 250);
  EXPECT_EQ(config.save.keep, 4);
  EXPECT_EQ(config.save.dtype, SavePrecision::fp16);
}

TEST(ForeignConfig, ReportsEveryKeyOnce) {
  const LoadedConfig loaded = load_config(kPaper);
  EXPECT_THAT(
      loaded.report,
      ElementsAre(
          "job: used", "config.name: used", "config.process.0.type: used",
          "config.process.0.training_folder: used",
          "config.process.0.performance_log_every: not needed",
          "config.process.0.device: not needed", "config.process.0.network.type: used",
          "config.process.0.network.linear: used", "config.process.0.network.linear_alpha: used",
          "config.process.0.save.dtype: used", "config.process.0.save.save_every: used",
          "config.process.0.save.max_step_saves_to_keep: used",
          "config.process.0.save.push_to_hub: not needed",
          "config.process.0.datasets.0.folder_path: used",
          "config.process.0.datasets.0.caption_ext: not needed",
          "config.process.0.datasets.0.caption_dropout_rate: used",
          "config.process.0.datasets.0.shuffle_tokens: not needed",
          "config.process.0.datasets.0.cache_latents_to_disk: not needed",
          "config.process.0.datasets.0.resolution: used", "config.process.0.train.batch_size: used",
          "config.process.0.train.steps: used",
          "config.process.0.train.gradient_accumulation_steps: used",
          "config.process.0.train.train_unet: not needed",
          "config.process.0.train.train_text_encoder: not needed",
          "config.process.0.train.gradient_checkpointing: used",
          "config.process.0.train.noise_scheduler: used", "config.process.0.train.optimizer: used",
          "config.process.0.train.lr: used", "config.process.0.train.ema_config.use_ema: used",
          "config.process.0.train.ema_config.ema_decay: used", "config.process.0.train.dtype: used",
          "config.process.0.model.name_or_path: used", "config.process.0.model.is_flux: used",
          "config.process.0.model.quantize: not supported, the base is computed in "
          "train.dtype, not quantised",
          "config.process.0.sample.sampler: used", "config.process.0.sample.sample_every: used",
          "config.process.0.sample.width: not supported, a sample has the size of "
          "the training canvases",
          "config.process.0.sample.height: not supported, a sample has the size of "
          "the training canvases",
          "config.process.0.sample.prompts: used", "config.process.0.sample.neg: not needed",
          "config.process.0.sample.seed: used", "config.process.0.sample.walk_seed: not needed",
          "config.process.0.sample.guidance_scale: used",
          "config.process.0.sample.sample_steps: used", "meta.name: not needed",
          "meta.version: not needed"));
}

TEST(ForeignConfig, SettingsAreNativeAndWin) {
  const LoadedConfig loaded =
      load_config(kPaper, {"model=flux-mini", "train.steps=2", "data.panel=64x64", "sample=null"});
  EXPECT_EQ(loaded.config.model, "flux-mini");
  EXPECT_EQ(loaded.config.train.steps, 2);
  EXPECT_EQ(loaded.config.data.panel, (PanelSize{64, 64}));
  EXPECT_THAT(loaded.config.data.resolutions, IsEmpty());
  EXPECT_EQ(verdict(loaded, process("datasets.0.resolution")), "not needed");
  EXPECT_FALSE(loaded.config.sample);
  EXPECT_THAT(
      load_config(kPaper, {"data.panel=64x64", "data.resolutions=[128]"}).config.data.resolutions,
      ElementsAre(128));
  EXPECT_EQ(load_config(kPaper, {"data.panel=auto"}).config.data.resolutions.size(), 5u);
  EXPECT_THROW(load_config(kPaper, {"config.name=x"}), Error);
}

TEST(ForeignConfig, IsNativeOnceItIsWritten) {
  const Config config = load_config(kPaper).config;
  const testing_support::ScratchFolder scratch;
  write_file(scratch / "config.yaml", config_to_yaml(config));
  const LoadedConfig again = load_config(scratch / "config.yaml");
  EXPECT_EQ(config_to_json(again.config), config_to_json(config));
  EXPECT_THAT(again.report, IsEmpty());
}

TEST(ForeignConfig, TakesTheDefaultsOfItsOwnProgram) {
  const Variant bare("train:\n        batch_size: 4\n        steps: 5000\n",
                     "train:\n        optimizer_params: {weight_decay: 0.001}\n");
  const LoadedConfig loaded = bare.load();
  EXPECT_EQ(loaded.config.train.steps, 1000);
  EXPECT_EQ(loaded.config.train.batch, 1);
  EXPECT_EQ(loaded.config.train.weight_decay, 0.001);
  EXPECT_THAT(loaded.notes, Contains(HasSubstr("train.steps 1000, train.batch 1")));
  EXPECT_EQ(Variant("use_ema: true", "use_ema: false").load().config.train.ema, 0);
  EXPECT_EQ(load_config(kPaper).config.train.weight_decay, 0.01);
}

TEST(ForeignConfig, SaysWhatIsNotSupported) {
  const auto of = [](const std::string& from, const std::string& to, const std::string& key) {
    return verdict(Variant(from, to).load(), process(key));
  };
  EXPECT_EQ(of("shuffle_tokens: false", "shuffle_tokens: true", "datasets.0.shuffle_tokens"),
            "not supported, a joint caption keeps its order");
  EXPECT_EQ(of("push_to_hub: false", "push_to_hub: true", "save.push_to_hub"),
            "not supported, nothing is uploaded");
  EXPECT_EQ(of("dtype: float16", "dtype: int4", "save.dtype"),
            "not supported, files are written as bf16, fp16 or fp32");
  EXPECT_EQ(of("linear_alpha: 16", "linear_alpha: 8", "network.linear_alpha"),
            "not supported, alpha is the rank, as ai-toolkit trains FLUX");
  EXPECT_EQ(of("train_unet: true", "train_unet: true\n        brand_new: 3", "train.brand_new"),
            "not supported, there is nothing like it here");
  EXPECT_EQ(of("train_unet: true", "train_unet: true\n        snr_gamma: null", "train.snr_gamma"),
            "not needed");
  EXPECT_EQ(of("train_unet: true", "train_unet: true\n        content_or_style: style",
               "train.content_or_style"),
            "not supported, the objective is the paper's");
  EXPECT_EQ(of("noise_scheduler: \"flowmatch\"", "noise_scheduler: ddpm", "train.noise_scheduler"),
            "not supported, training is by flow matching");
  EXPECT_EQ(of("walk_seed: true", "walk_seed: false", "sample.walk_seed"),
            "not supported, the prompts take the seeds sample.seed, sample.seed + 1, ...");
}

TEST(ForeignConfig, EveryLineOfAReportHasOneOfThreeForms) {
  const std::regex form("[^ :]+: (used|not needed|not supported, .+)");
  for (const std::string& line : load_config(kPaper).report) {
    EXPECT_TRUE(std::regex_match(line, form)) << line;
  }
}

TEST(ForeignConfig, TranslatesWhatThePaperDidNotUse) {
  const Variant variant("train_unet: true", R"(max_grad_norm: 0.5
        lr_scheduler: constant_with_warmup
        lr_scheduler_params: {num_warmup_steps: 100}
        timestep_type: linear
        gradient_accumulation: 3
        optimizer_params: {betas: [0.9, 0.99], eps: "1e-7"}
        unet_lr: "3e-5")");
  const LoadedConfig loaded = variant.load();
  const TrainConfig& train = loaded.config.train;
  EXPECT_EQ(train.clip, 0.5);
  EXPECT_EQ(train.schedule, Schedule::constant);
  EXPECT_EQ(train.warmup, 100);
  EXPECT_EQ(train.timesteps.sampling, TimestepSampling::uniform);
  EXPECT_EQ(train.accumulate, 3);
  EXPECT_EQ(train.beta2, 0.99);
  EXPECT_EQ(train.eps, 1e-7);
  EXPECT_EQ(train.learning_rate, 3e-5);
  EXPECT_EQ(verdict(loaded, process("train.lr")), "not needed");
  EXPECT_EQ(verdict(loaded, process("train.unet_lr")), "used");
}

TEST(ForeignConfig, ChoosesLayersByPartsOfTheirNames) {
  const auto matches = [](const Config& config, const std::string& name) {
    EXPECT_EQ(config.lora.targets.kind, LoraTargets::Kind::patterns);
    return std::any_of(config.lora.targets.patterns.begin(), config.lora.targets.patterns.end(),
                       [&](const std::string& p) { return std::regex_match(name, std::regex(p)); });
  };
  const Config only = Variant("linear_alpha: 16", R"(linear_alpha: 16
        network_kwargs:
          only_if_contains: ["transformer.single_transformer_blocks.7.proj_out", "to_q"])")
                          .load()
                          .config;
  EXPECT_TRUE(matches(only, "single_transformer_blocks.7.proj_out"));
  EXPECT_FALSE(matches(only, "single_transformer_blocks.17.proj_out"));
  EXPECT_TRUE(matches(only, "transformer_blocks.0.attn.to_q"));
  EXPECT_FALSE(matches(only, "transformer_blocks.0.attn.to_k"));
  EXPECT_FALSE(matches(only, "to_q"));
  const Config ignored =
      Variant("quantize: true", "quantize: true\n        ignore_if_contains: [\"norm\", \"ff.\"]")
          .load()
          .config;
  EXPECT_TRUE(matches(ignored, "transformer_blocks.0.attn.to_k"));
  EXPECT_FALSE(matches(ignored, "transformer_blocks.0.norm1.linear"));
  EXPECT_FALSE(matches(ignored, "transformer_blocks.0.ff.net.2"));
}

TEST(ForeignConfig, ReadsSamplesOfTheNewerForm) {
  std::string text = read_file(kPaper, 1 << 20);
  const size_t begin = text.find("        prompts:"), end = text.find("        neg:");
  const Variant variant(text.substr(begin, end - begin),
                        "        samples:\n          - prompt: \"[trigger] one\"\n"
                        "            width: 512\n          - prompt: two\n");
  EXPECT_THAT(variant.load().config.sample->prompts, ElementsAre("[trigger] one", "two"));
  const Variant trigger("device: cuda:0", "trigger_word: \"<X>\"");
  EXPECT_EQ(trigger.load().config.data.trigger, "<X>");
  const Variant none("train_unet: true", "disable_sampling: true");
  EXPECT_FALSE(none.load().config.sample);
  EXPECT_EQ(verdict(none.load(), process("sample.seed")), "not needed");
}

TEST(ForeignConfig, MergesResolutionsOfOneFolder) {
  const Variant variant("resolution: [ 512, 768, 1024, 1280, 1536 ]",
                        "resolution: 512\n        - folder_path: \"data/movie-shots\"\n"
                        "          resolution: [512, 640]\n");
  EXPECT_THAT(variant.load().config.data.resolutions, ElementsAre(512, 640));
}

TEST(ForeignConfig, RefusesWhatItCannotTrain) {
  EXPECT_THAT(Variant("type: \"lora\"", "type: lokr").message(),
              HasSubstr("'config.process.0.network.type' is \"lokr\""));
  EXPECT_THAT(Variant("sd_trainer", "concept_slider").message(), HasSubstr("process.0.type"));
  EXPECT_THAT(Variant("      train:", "      adapter: {type: redux}\n      train:").message(),
              HasSubstr("'config.process.0.adapter' asks for another kind"));
  EXPECT_THAT(Variant("is_flux: true", "is_xl: true").message(), HasSubstr("model.is_xl"));
  EXPECT_THAT(Variant("is_flux: true", "arch: wan21").message(), HasSubstr("\"wan21\""));
  EXPECT_THAT(Variant("process:", "process:\n    - type: sd_trainer").message(),
              HasSubstr("it lists 2"));
  EXPECT_THAT(Variant("process:", "processes:").message(), HasSubstr("it lists 0"));
  EXPECT_THAT(Variant("      train:", "        - folder_path: other\n      train:").message(),
              HasSubstr("'config.process.0.datasets.1.folder_path' names a second folder"));
}

TEST(ForeignConfig, NamesItsOwnKeysInErrors) {
  EXPECT_THAT(Variant("steps: 5000", "steps: many").message(),
              HasSubstr("x.yml': 'config.process.0.train.steps' must be a whole number"));
  EXPECT_THAT(Variant("resolution: [ 512,", "resolution: [ 1,").message(),
              HasSubstr("'config.process.0.datasets.0.resolution' must be a list"));
  EXPECT_THAT(Variant("lr: 1e-4", "lr: fast").message(), HasSubstr("train.lr' must be a number"));
  EXPECT_THAT(Variant("ema_decay: 0.99", "ema_decay: 2").message(), HasSubstr("ema_decay' must"));
  const Variant prodigy("optimizer: \"adamw8bit\"", "optimizer: prodigy");
  EXPECT_THAT(prodigy.message(), HasSubstr("'config.process.0.train.optimizer' must be adamw"));
  const LoadedConfig loaded = prodigy.load({"train.optimizer=adamw"});
  EXPECT_THAT(verdict(loaded, process("train.optimizer")), HasSubstr("not supported, adamw"));
}

TEST(ForeignConfig, WithoutANetworkTrainsEveryWeight) {
  const LoadedConfig loaded = Variant(
                                  "      network:\n        type: \"lora\"\n        linear: 16\n"
                                  "        linear_alpha: 16\n",
                                  "")
                                  .load();
  EXPECT_EQ(loaded.config.lora.targets.kind, LoraTargets::Kind::full);
  EXPECT_THAT(loaded.notes, Contains(HasSubstr("every weight")));
}

TEST(ForeignConfig, SectionsThatAreNoMapsAreRefused) {
  const std::string network =
      "      network:\n        type: \"lora\"\n        linear: 16\n        linear_alpha: 16\n";
  for (const char* wrong : {"lora", "[]", "[lora]", "16", "true"}) {
    EXPECT_THAT(Variant(network, fmt::format("      network: {}\n", wrong)).message(),
                HasSubstr("'config.process.0.network' must be a map of keys"))
        << wrong;
  }
  EXPECT_THAT(
      Variant("          use_ema: true\n          ema_decay: 0.99\n", "").load().config.train.ema,
      0);
  // Without its keys it is still a network, with that program's own rank.
  const LoadedConfig empty = Variant(network, "      network: {}\n").load();
  EXPECT_EQ(empty.config.lora.targets.kind, LoraTargets::Kind::all);
  EXPECT_EQ(empty.config.lora.rank, 4);
  EXPECT_EQ(verdict(empty, process("network")), "used");
  EXPECT_EQ(Variant(network, "      network:\n").load().config.lora.targets.kind,
            LoraTargets::Kind::full);
}

TEST(ForeignConfig, HostileFilesAreRefusedOrReported) {
  const testing_support::ScratchFolder scratch;
  for (const char* text :
       {"job: extension", "job: extension\nconfig: 3", "job: extension\nconfig: {process: [3]}",
        "job: extension\nconfig: {process: [[{a: 1}]]}",
        "job: extension\nconfig: {process: [{datasets: 3, train: [1], sample: x, network: 7}]}",
        "job: extension\nconfig: {name: [1], process: [{sample: {prompts: {a: 1}}}]}",
        "job: extension\nconfig: {process: [{network: {linear: x, linear_alpha: [1]}}]}",
        "job: extension\nconfig: {process: [{model: {only_if_contains: a}, network: {a: 1}}]}"}) {
    write_file(scratch / "x.yml", text);
    EXPECT_THROW(load_config(scratch / "x.yml"), Error) << text;
  }
}

}  // namespace
}  // namespace iclora::run
