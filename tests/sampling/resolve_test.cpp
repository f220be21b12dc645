#include "sampling/resolve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/file.h"
#include "fixtures.h"
#include "refusal.h"
#include "sampling/text_length.h"
#include "scratch.h"
#include "weights/safetensors_writer.h"

namespace iclora::sampling {
namespace {

using testing::HasSubstr;
using testing_support::refusal_of;
using testing_support::ScratchFolder;
namespace fs = std::filesystem;

const fs::path kModels = ICLORA_FIXTURES "/models";

Request base() {
  Request request;
  request.model = (kModels / "toy-dev").native();
  request.prompt = "a fox";
  request.panel = Size{64, 64};
  request.seed = 1;
  return request;
}

std::string message_of(const Request& request) {
  return refusal_of([&] { resolve(request, {}); });
}

/// A LoRA for one layer of toy-dev, with the metadata that training writes.
fs::path write_lora(const fs::path& path, const Json& iclora) {
  weights::SafetensorsWriter writer(
      path,
      {{"transformer.transformer_blocks.0.attn.to_q.lora_A.weight", weights::Dtype::f32, {2, 32}},
       {"transformer.transformer_blocks.0.attn.to_q.lora_B.weight", weights::Dtype::f32, {32, 2}}},
      {{"format", "pt"}, {"iclora", iclora.dump()}});
  const std::vector<float> values(128, 0.01F);
  writer.append(std::as_bytes(std::span(values)));
  writer.commit();
  return path;
}

TEST(Resolve, GridComesFromTheRequestElseTheAdapterElseTheMarkersElseThePanelPrompts) {
  const ScratchFolder scratch;
  const auto grid = [](const Request& request) {
    return panels::to_string(*resolve(request, {}).request.grid);
  };
  Request request = base();
  EXPECT_EQ(grid(request), "1x1");
  request.panel_prompts = {"a", "b", "c"};
  EXPECT_EQ(grid(request), "3x1");
  request.panel_prompts.clear();
  request.prompt = "mugs [LEFT] red [RIGHT] blue";
  EXPECT_EQ(grid(request), "1x2");
  request.loras = {{write_lora(scratch / "l.safetensors", {{"grid", "2x2"}}).native(), 1.0}};
  EXPECT_EQ(grid(request), "2x2");
  EXPECT_THAT(resolve(request, {}).warnings,
              testing::ElementsAre(HasSubstr("2 panels, but the grid 2x2")));
  request.grid = panels::Grid{3, 1};
  EXPECT_EQ(grid(request), "3x1");
  EXPECT_THAT(resolve(request, {}).warnings, testing::ElementsAre(HasSubstr("markers")));
}

TEST(Resolve, WarnsOfTensorsThatTheConfigLeavesOut) {
  const ScratchFolder scratch;
  const fs::path model = scratch / "m";
  Request request = base();
  const auto with = [&](const char* part, const char* key, const Json& value) {
    fs::remove_all(model);
    fs::copy(request.model, model, fs::copy_options::recursive);
    const fs::path path = model / part / "config.json";
    Json config = parse_json(read_file(path, 1 << 20), path.native());
    config[key] = value;
    write_file(path, config.dump());
    Request changed = request;
    changed.model = model.native();
    return resolve(changed, {}).warnings;
  };
  EXPECT_THAT(resolve(request, {}).warnings, testing::IsEmpty());
  EXPECT_THAT(with("transformer", "num_single_layers", 0),
              testing::ElementsAre(HasSubstr("single_transformer_blocks.0")));
  EXPECT_THAT(with("transformer", "guidance_embeds", false),
              testing::ElementsAre(HasSubstr("guidance_embedder")));
  EXPECT_THAT(with("vae", "mid_block_add_attention", false),
              testing::ElementsAre(HasSubstr("mid_block.attentions")));
}

TEST(Resolve, PanelDialectAndTriggerComeFromTheAdapter) {
  const ScratchFolder scratch;
  Request request = base();
  request.panel.reset();
  request.panel_prompts = {"red", "blue"};
  request.loras = {
      {write_lora(
           scratch / "l.safetensors",
           {{"grid", "1x2"}, {"panel", "32x48"}, {"dialect", "image"}, {"trigger", "[TASK]"}})
           .native(),
       1.0}};
  const Resolved resolved = resolve(request, {});
  EXPECT_EQ(resolved.request.panel, (Size{32, 48}));
  EXPECT_EQ(resolved.joint_prompt, "[TASK] a fox [IMAGE1] red [IMAGE2] blue");
  request.prompt = "[TASK] a fox";
  EXPECT_EQ(resolve(request, {}).joint_prompt, "[TASK] a fox [IMAGE1] red [IMAGE2] blue");
  request.dialect = "sides";
  EXPECT_EQ(resolve(request, {}).joint_prompt, "[TASK] a fox [LEFT] red [RIGHT] blue");
  request.loras = {
      {write_lora(scratch / "odd.safetensors", {{"grid", "1x2"}, {"panel", "33x48"}}).native(),
       1.0}};
  EXPECT_THAT(message_of(request),
              testing::AllOf(HasSubstr("odd.safetensors"), HasSubstr("is 33x48, but both edges")));
}

TEST(Resolve, WithoutPanelPromptsThePromptIsTakenAsItIs) {
  Request request = base();
  request.prompt = "two  spaces [LEFT] a [RIGHT] b ";
  EXPECT_EQ(resolve(request, {}).joint_prompt, request.prompt);
}

TEST(Resolve, SizesAreSettledAndWrongOnesNameTheNearest) {
  Request request = base();
  request.panel.reset();
  EXPECT_EQ(resolve(request, {}).request.panel, (Size{1024, 1024}));
  request.size = Size{96, 64};
  request.grid = panels::Grid{2, 1};
  EXPECT_EQ(resolve(request, {}).request.panel, (Size{96, 32}));
  request.size = Size{96, 72};
  EXPECT_THAT(message_of(request), HasSubstr("nearest is 96x64"));
  request.size.reset();
  request.panel = Size{100, 64};
  EXPECT_THAT(message_of(request), HasSubstr("nearest is 96x64"));
  request.panel = Size{16384, 16384};
  EXPECT_THAT(message_of(request), HasSubstr("larger than"));
}

TEST(Resolve, NativePanelSizeComesFromTheModelsFolder) {
  const ScratchFolder scratch;
  fs::copy(kModels / "toy-dev", scratch / "model", fs::copy_options::recursive);
  write_file(scratch / "model/iclora.json", R"({"panel": "64x48", "dialect": "image"})");
  Request request = base();
  request.model = (scratch / "model").native();
  request.panel.reset();
  request.panel_prompts = {"a", "b"};
  const Resolved resolved = resolve(request, {});
  EXPECT_EQ(resolved.request.panel, (Size{64, 48}));
  EXPECT_EQ(resolved.joint_prompt, "a fox [IMAGE1] a [IMAGE2] b");
}

TEST(Resolve, TextLengthFollowsTokenizerAndModel) {
  Request request = base();
  EXPECT_EQ(resolve(request, {}).request.text_length, 64);  // toy-dev's tokenizer says 64
  request.model = (kModels / "toy-schnell").native();
  EXPECT_EQ(resolve(request, {}).request.text_length, 128);
  request.prompt = std::string(4000, 'x');
  EXPECT_THAT(resolve(request, {}).warnings, testing::ElementsAre(HasSubstr("--text-length")));
}

TEST(Resolve, ContradictionsAndMissingThingsAreNamed) {
  Request request = base();
  request.model = "no-such-model";
  EXPECT_THAT(message_of(request), HasSubstr("no-such-model"));
  request = base();
  request.model = (kModels / "lora-a.safetensors").native();
  EXPECT_THAT(message_of(request), HasSubstr("single-file"));
  request = base();
  request.loras = {{"no-such-file.safetensors", 1.0}};
  EXPECT_THAT(message_of(request), HasSubstr("no-such-file"));
  request = base();
  request.loras = {{(kModels / "toy-dev/vae/diffusion_pytorch_model.safetensors").native(), 1.0}};
  EXPECT_THAT(message_of(request), HasSubstr("no LoRA"));
  request = base();
  request.grid = panels::Grid{2, 1};
  request.panel_prompts = {"only one"};
  EXPECT_THAT(message_of(request), HasSubstr("1 panel prompts for the 2 panels"));
  request = base();
  request.device = "cuda";
  EXPECT_THAT(message_of(request), HasSubstr("doctor"));
  request = base();
  request.panel_prompts = {"a", "b", "c"};
  request.dialect = "sides";
  EXPECT_THAT(message_of(request), HasSubstr("markers for 2 panels"));
  const ScratchFolder scratch;
  fs::copy(kModels / "toy-dev", scratch / "m", fs::copy_options::recursive);
  const auto path = scratch / "m/scheduler/scheduler_config.json";
  Json scheduler = read_json(path);
  scheduler["base_shift"] = 1000;
  write_file(path, scheduler.dump());
  request = base();
  request.model = (scratch / "m").native();
  EXPECT_THAT(message_of(request), HasSubstr("'base_shift' 1000"));
}

TEST(Resolve, PartsOfDifferentModelsAreNoticed) {
  const auto with = [](const char* part) {
    const ScratchFolder scratch;
    fs::copy(kModels / "toy-dev", scratch / "model", fs::copy_options::recursive);
    fs::remove_all(scratch / "model" / part);
    fs::copy(kModels / "toy-schnell" / part, scratch / "model" / part, fs::copy_options::recursive);
    Request request = base();
    request.model = (scratch / "model").native();
    return message_of(request);
  };
  EXPECT_EQ(with("vae"), "accepted");
  EXPECT_THAT(with("text_encoder"), HasSubstr("pooled_projection_dim"));
  EXPECT_THAT(with("text_encoder_2"), HasSubstr("joint_attention_dim"));
}

TEST(Resolve, WarnsOfTextsThatAreNotReadToTheirEnd) {
  const auto warnings = [](const Request& request) { return resolve(request, {}).warnings; };
  std::string words;
  for (int i = 0; i < 10; ++i) words += "red ";
  Request request = base();
  request.prompt = "two mugs [LEFT] " + words + "[RIGHT] " + words + words;
  const OpenModel model = open_model(request.model, {});
  const int64_t tokens = token_counter(model)(request.prompt);
  // toy-dev reads 64.
  EXPECT_THAT(warnings(request),
              testing::ElementsAre(fmt::format(
                  "the prompt has {} tokens, but 64 are read: the part of panel 2 is cut "
                  "short; shorten it, or give --text-length {}.",
                  tokens, tokens)));
  request.text_length = tokens;
  EXPECT_THAT(warnings(request), testing::IsEmpty());
  request.text_length = 20;
  EXPECT_THAT(warnings(request),
              testing::ElementsAre(HasSubstr("part of panel 1 is cut short and that of panel 2 is "
                                             "lost")));

  // Each panel reads its own.
  request.method = "gdt";
  EXPECT_THAT(warnings(request), testing::ElementsAre(HasSubstr("the caption of panel 1 has "),
                                                      HasSubstr("20 are read: its end is lost")));

  // More than can be asked for.
  request = base();
  for (int i = 0; i < 6; ++i) words += words;
  request.prompt = words;
  EXPECT_THAT(warnings(request),
              testing::ElementsAre(HasSubstr("give --text-length 512 to have more of it read")));
  request.text_length = 512;
  EXPECT_THAT(warnings(request), testing::ElementsAre(testing::EndsWith("lost; shorten it.")));

  // The negative prompt, where it is used.
  request = base();
  request.negative_prompt = words;
  EXPECT_THAT(warnings(request), testing::IsEmpty());
  request.cfg = 2;
  EXPECT_THAT(warnings(request), testing::ElementsAre(HasSubstr("the negative prompt has ")));
}

}  // namespace
}  // namespace iclora::sampling
