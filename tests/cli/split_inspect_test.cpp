#include <fmt/format.h>
#include <gtest/gtest.h>

#include "cli/inspect_report.h"
#include "cli/program.h"
#include "core/json.h"
#include "image/png_write.h"
#include "image/read.h"
#include "panels/layout.h"

namespace iclora {
namespace {

using testing_support::ProgramRun;
using testing_support::run_program;
using testing_support::ScratchFolder;
using testing_support::text_of_file;

const std::string kModels = ICLORA_FIXTURES "/models/";

image::Image gradient(int64_t width, int64_t height) {
  image::Image picture(width, height);
  for (size_t i = 0; i < picture.rgb.size(); ++i)
    picture.rgb[i] = static_cast<uint8_t>(i * 7 % 251);
  return picture;
}

Json inspect(const std::string& path) {
  const ProgramRun run = run_program({"inspect", path, "--json"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.err, "");
  return parse_json(run.out, "inspect");
}

TEST(Split, GivesThePixelsOfEachPanel) {
  const ScratchFolder scratch;
  const image::Image canvas = gradient(50, 31);
  image::write_png(scratch / "canvas.png", canvas);
  const ProgramRun run = run_program({"split", (scratch / "canvas.png").native(), "--grid", "2x3",
                                      "--out", (scratch / "out").native(), "--json"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const Json result = parse_json(run.out, "split");
  ASSERT_EQ(result["panels"].size(), 6u);
  const auto layout = panels::cut_layout({2, 3}, 50, 31);
  const auto expected = panels::split(canvas, layout);
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(result["panels"][i].get<std::string>(),
              (scratch / "out" / fmt::format("{}.png", i + 1)).native());
    EXPECT_EQ(image::read_image(result["panels"][i].get<std::string>()), expected[i]);
  }
}

TEST(Split, TakesTheLayoutFromThePictureAndPrintsThePaths) {
  const ScratchFolder scratch;
  const auto layout = panels::grid_layout({3, 1}, 32, 16);
  const Json request = {{"version", 1}, {"layout", panels::layout_to_json(layout)}};
  image::write_png(scratch / "c.png", gradient(32, 48), {{"iclora", request.dump()}});
  const std::string out = (scratch / "out").native();
  const ProgramRun run = run_program({"split", (scratch / "c.png").native(), "--out", out});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out, out + "/1.png\n" + out + "/2.png\n" + out + "/3.png\n");
}

TEST(Split, RefusesAPictureWithoutALayoutAndWritesNothing) {
  const ScratchFolder scratch;
  image::write_png(scratch / "c.png", gradient(32, 48));
  const ProgramRun run =
      run_program({"split", (scratch / "c.png").native(), "--out", (scratch / "out").native()});
  testing_support::expect_refused(run, 2, "--grid");
  EXPECT_FALSE(std::filesystem::exists(scratch / "out"));
}

TEST(Inspect, ShowsALora) {
  const Json report = inspect(kModels + "lora-a.safetensors");
  EXPECT_EQ(report["kind"], "lora");
  EXPECT_EQ(report["layout"], "diffusers");
  EXPECT_EQ(report["modules"].get<int>() * 2, report["tensor_count"].get<int>());
  EXPECT_TRUE(report["unmatched"].empty());
  EXPECT_EQ(report["metadata"]["lora_adapter_metadata"]["transformer.r"],
            report["ranks"][0].get<int>());
  int modules = 0;
  for (const Json& target : report["targets"]) modules += target["count"].get<int>();
  EXPECT_EQ(modules, report["modules"].get<int>());
}

TEST(Inspect, ShowsAModelAndThatItsTensorsAreComplete) {
  const Json report = inspect(kModels + "toy-dev");
  EXPECT_EQ(report["kind"], "model");
  EXPECT_TRUE(report["guidance"].get<bool>());
  for (const char* part : {"transformer", "text_encoder", "text_encoder_2", "vae"}) {
    const Json& component = report["components"][part];
    EXPECT_EQ(component["coverage"]["found"], component["coverage"]["expected"]) << part;
    EXPECT_TRUE(component["coverage"]["missing"].empty()) << part;
    EXPECT_TRUE(component["coverage"]["unexpected"].empty()) << part;
    EXPECT_EQ(component["tensors"].size(), component["tensor_count"].get<size_t>());
  }
  EXPECT_FALSE(inspect(kModels + "toy-schnell")["guidance"].get<bool>());
}

TEST(Inspect, ComparesTensorsWithoutLibtorch) {
  const ProgramRun run = run_program({"inspect", kModels + "toy-dev"}, {"TORCH_DIR=/nowhere"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_NE(run.out.find("tensors that the config asks for"), std::string::npos);
}

TEST(Inspect, ShowsAPartOfAModel) {
  const Json report = inspect(kModels + "toy-dev/text_encoder_2/model.safetensors");
  EXPECT_EQ(report["kind"], "tensors");
  EXPECT_EQ(report["component"], "text_encoder_2 (T5)");
  EXPECT_EQ(inspect(kModels + "toy-dev/vae")["component"], "vae");
}

TEST(Inspect, ShowsThePicturesRequest) {
  const ScratchFolder scratch;
  image::write_png(scratch / "p.png", gradient(32, 48),
                   {{"iclora", R"({"version":1})"}, {"parameters", "a fox"}});
  const Json report = inspect((scratch / "p.png").native());
  EXPECT_EQ(report["kind"], "picture");
  EXPECT_EQ(report["width"], 32);
  EXPECT_EQ(report["height"], 48);
  EXPECT_EQ(report["iclora"]["version"], 1);
  EXPECT_EQ(report["texts"]["parameters"], "a fox");
}

TEST(Inspect, RefusesACutFileNamingIt) {
  const ScratchFolder scratch;
  const std::string whole = text_of_file(kModels + "lora-a.safetensors");
  for (const size_t length : {size_t{0}, size_t{4}, size_t{8}, size_t{100}, whole.size() - 1}) {
    std::ofstream(scratch / "cut.safetensors", std::ios::binary) << whole.substr(0, length);
    const ProgramRun run = run_program({"inspect", (scratch / "cut.safetensors").native()});
    testing_support::expect_refused(run, 2, "cut.safetensors");
  }
}

TEST(NamePattern, PutsTheBlocksTogetherAndNothingElse) {
  EXPECT_EQ(cli::name_pattern("transformer_blocks.7.attn.to_out.0"),
            "transformer_blocks.*.attn.to_out.0");
  EXPECT_EQ(cli::name_pattern("x_embedder"), "x_embedder");
}

}  // namespace
}  // namespace iclora
