// Which method a request takes, and what the text encoders read under it.

#include "sampling/method.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fixtures.h"
#include "refusal.h"
#include "sampling/resolve.h"
#include "sampling/revise.h"
#include "scratch.h"
#include "weights/safetensors_writer.h"

namespace iclora::sampling {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::refusal_of;
using testing_support::ScratchFolder;
namespace fs = std::filesystem;

Request gdt(const std::string& prompt) {
  Request request;
  request.model = ICLORA_FIXTURES "/models/toy-dev";
  request.prompt = prompt;
  request.panel = Size{32, 32};
  request.seed = 1;
  request.method = "gdt";
  return request;
}

std::string message_of(const Request& request) {
  return refusal_of([&] { resolve(request, {}); });
}

/// A LoRA for one layer of toy-dev with this `iclora` metadata.
LoraChoice write_lora(const fs::path& path, const Json& iclora) {
  weights::SafetensorsWriter writer(
      path,
      {{"transformer.transformer_blocks.0.attn.to_q.lora_A.weight", weights::Dtype::f32, {2, 32}},
       {"transformer.transformer_blocks.0.attn.to_q.lora_B.weight", weights::Dtype::f32, {32, 2}}},
      {{"format", "pt"}, {"iclora", iclora.dump()}});
  const std::vector<float> values(128, 0.01F);
  writer.append(std::as_bytes(std::span(values)));
  writer.commit();
  return {path.native(), 1.0};
}

TEST(Method, IsTheRequestsElseTheAdaptersElseCanvas) {
  const ScratchFolder scratch;
  const auto settled = [](const Request& request) { return *resolve(request, {}).request.method; };
  Request request = gdt("two [LEFT] red [RIGHT] blue");
  EXPECT_EQ(settled(request), "gdt");
  request.method.reset();
  EXPECT_EQ(settled(request), "canvas");
  request.loras = {write_lora(scratch / "says-nothing.safetensors", {{"training", {{"steps", 1}}}}),
                   write_lora(scratch / "gdt.safetensors", {{"training", {{"method", "gdt"}}}})};
  EXPECT_EQ(settled(request), "gdt");
  request.method = "canvas";
  EXPECT_EQ(settled(request), "canvas");
  request.loras = {write_lora(scratch / "new.safetensors", {{"training", {{"method", "spiral"}}}})};
  EXPECT_EQ(settled(request), "canvas");
  request.method.reset();
  EXPECT_THAT(message_of(request), HasSubstr("'spiral', expected 'canvas' or 'gdt'"));
}

TEST(Method, UnderGdtEachPanelHasItsOwnCaption) {
  const ScratchFolder scratch;
  const auto captions = [](const Request& request) { return resolve(request, {}).captions; };
  Request request = gdt("[TAG] two mugs: [SCENE-1] red, [SCENE-2]  blue.");
  EXPECT_THAT(captions(request), ElementsAre("[TAG] two mugs: red,", "[TAG] two mugs: blue."));
  request.method = "canvas";
  EXPECT_THAT(captions(request), ElementsAre(request.prompt));

  // Parts that were given apart are not looked through for markers; the adapter's trigger leads.
  request = gdt("two mugs");
  request.panel_prompts = {"red [LEFT] and [RIGHT] left", ""};
  request.loras = {write_lora(scratch / "l.safetensors", {{"trigger", "[MUGS]"}})};
  EXPECT_THAT(captions(request),
              ElementsAre("[MUGS] two mugs red [LEFT] and [RIGHT] left", "[MUGS] two mugs"));
  // Without parts all panels read the same.
  request.panel_prompts.clear();
  request.grid = panels::Grid{1, 3};
  EXPECT_THAT(captions(request),
              ElementsAre("[MUGS] two mugs", "[MUGS] two mugs", "[MUGS] two mugs"));
  // A single panel reads what it reads on a canvas, to the space.
  request = gdt("a  mug ");
  EXPECT_THAT(captions(request), ElementsAre("a  mug "));
}

TEST(Method, PartsOfAnotherNumberOfPanelsAreRefusedUnderGdtAlone) {
  Request request = gdt("two [LEFT] red [RIGHT] blue");
  request.grid = panels::Grid{3, 1};
  EXPECT_THAT(message_of(request), HasSubstr("2 parts for 3 panels"));
  request.method = "canvas";
  EXPECT_EQ(message_of(request), "accepted");
}

TEST(Method, TooLongCaptionsAreNamedByTheirPanel) {
  Request request = gdt("[LEFT] a [RIGHT] " + std::string(4000, 'x'));
  EXPECT_THAT(resolve(request, {}).warnings, ElementsAre(HasSubstr("the caption of panel 2 has")));
}

}  // namespace
}  // namespace iclora::sampling
