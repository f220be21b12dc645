#include <gtest/gtest.h>

#include <ATen/Parallel.h>

#include <cmath>

#include "core/error.h"
#include "core/file.h"
#include "fixtures.h"
#include "sampling/decode.h"
#include "sampling/generate.h"
#include "sampling/picture.h"
#include "scratch.h"
#include "tensors.h"
#include "weights/safetensors_writer.h"

namespace iclora::sampling {
namespace {

using testing_support::Fixture;
using testing_support::relative_l2;
using testing_support::ScratchFolder;

const std::filesystem::path kModels = ICLORA_FIXTURES "/models";

void write_noise(const std::filesystem::path& path, const at::Tensor& noise) {
  const at::Tensor dense = noise.contiguous();
  weights::SafetensorsWriter writer(path, {{"noise", weights::Dtype::f32, dense.sizes().vec()}});
  writer.append({reinterpret_cast<const std::byte*>(dense.data_ptr<float>()),
                 static_cast<size_t>(dense.numel()) * sizeof(float)});
  writer.commit();
}

/// The request that a fixture's case describes.
Request request_of(const Json& one, const std::string& model, const std::filesystem::path& noise,
                   const std::string& dtype) {
  Request request;
  request.model = (kModels / model).native();
  request.prompt = one["prompt"].get<std::string>();
  request.grid = panels::Grid{1, 1};
  request.size = Size{one["size"][1].get<int64_t>() * 8, one["size"][0].get<int64_t>() * 8};
  request.steps = one["steps"];
  request.guidance = one["guidance"];
  request.text_length = one["text_length"].get<int64_t>();
  if (one.contains("count")) request.count = one["count"];
  if (one.contains("negative_prompt")) {
    request.negative_prompt = one["negative_prompt"].get<std::string>();
    request.cfg = one["cfg"];
  }
  if (one.contains("loras")) {
    for (const Json& lora : one["loras"]) {
      request.loras.push_back(
          {(kModels / (lora[0].get<std::string>() + ".safetensors")).native(), lora[1]});
    }
  }
  request.seed = 0;
  request.noise = noise.native();
  request.dtype = dtype;
  return request;
}

at::Tensor picture_tensor(const ImageSet& set) {
  std::vector<at::Tensor> all;
  for (const Canvas& canvas : set.canvases) {
    const image::Image& picture = canvas.picture;
    all.push_back(at::from_blob(const_cast<uint8_t*>(picture.rgb.data()),
                                {1, picture.height, picture.width, 3}, at::kByte)
                      .clone());
  }
  return at::cat(all).to(at::kFloat);
}

at::Tensor latents_of(const ImageSet& set) {
  std::vector<at::Tensor> all;
  for (const Canvas& canvas : set.canvases) all.push_back(canvas.latents);
  return at::cat(all);
}

class PipelineParity : public testing::TestWithParam<std::string> {};

// Every case of tools/reference/dump_models.py: shapes, guidance 0 and 1, several canvases, true
// classifier-free guidance, adapters with strengths, schnell in 1, 4 and 20 steps.
TEST_P(PipelineParity, EqualsTheReferencePipeline) {
  Fixture fixture("models/" + GetParam() + ".pipeline.safetensors");
  const ScratchFolder scratch;
  NoProgress progress;
  const Json cases = parse_json(fixture.metadata().at("cases"), "cases");
  for (size_t k = 0; k < cases.size(); ++k) {
    const std::string key = std::to_string(k) + ".";
    write_noise(scratch / "noise.safetensors", fixture[key + "noise"]);
    const at::Tensor latents = fixture[key + "latents"];
    const at::Tensor picture = fixture[key + "picture"].to(at::kFloat);

    const ImageSet exact = generate(
        resolve(request_of(cases[k], GetParam(), scratch / "noise.safetensors", "fp32"), {}), "",
        progress);
    // The bounds; measured here: 3e-6 and 1 of 255 in one pixel of thousands.
    EXPECT_LT(relative_l2(latents_of(exact), latents), 1e-4) << "case " << k;
    const at::Tensor difference = (picture_tensor(exact) - picture).abs();
    EXPECT_LE(difference.max().item<double>(), 2) << "case " << k;
    EXPECT_LT(difference.mean().item<double>(), 0.2) << "case " << k;

    const ImageSet half = generate(
        resolve(request_of(cases[k], GetParam(), scratch / "noise.safetensors", "bf16"), {}), "",
        progress);
    EXPECT_LT(relative_l2(latents_of(half), latents),
              1.5 * relative_l2(fixture[key + "latents.bf16"], latents))
        << "case " << k;
  }
}

// A LoRA that `train` wrote, sampled by diffusers (tools/reference/check_lora.py): its alpha is not
// its rank, so a scale that got lost on the way would show.
TEST(TrainedLora, GivesThePictureThatDiffusersMakesOfIt) {
  Fixture fixture("training/trained_lora.pipeline.safetensors");
  const ScratchFolder scratch;
  NoProgress progress;
  const Json one = parse_json(fixture.metadata().at("cases"), "cases")[0];
  write_noise(scratch / "noise.safetensors", fixture["0.noise"]);
  Request request = request_of(one, "toy-dev", scratch / "noise.safetensors", "fp32");
  request.loras = {{ICLORA_FIXTURES "/training/trained_lora.safetensors", 1.0}};
  const ImageSet set = generate(resolve(request, {}), "", progress);
  const at::Tensor expected = fixture["0.latents"];
  EXPECT_LT(relative_l2(latents_of(set), expected), 1e-4);
  EXPECT_LE((picture_tensor(set) - fixture["0.picture"].to(at::kFloat)).abs().max().item<double>(),
            2);
  EXPECT_GT(relative_l2(fixture["base.latents"], expected), 0.05);
}

INSTANTIATE_TEST_SUITE_P(Toys, PipelineParity, testing::Values("toy-dev", "toy-schnell"),
                         [](const auto& one) {
                           return one.param == "toy-dev" ? "dev" : "schnell";
                         });

Request small_request() {
  Request request;
  request.model = (kModels / "toy-dev").native();
  request.prompt = "[LEFT] a mug [RIGHT] the same mug";
  request.panel = Size{32, 32};
  request.steps = 2;
  request.seed = 5;
  return request;
}

TEST(Generate, ThreadsNeverChangeAByte) {
  NoProgress progress;
  const int before = at::get_num_threads();
  for (const char* dtype : {"fp32", "bf16"}) {
    for (const auto& [rows, columns, width, height] : {std::tuple{1, 2, 32, 32},
                                                       {1, 1, 16, 16},
                                                       {1, 1, 48, 16},
                                                       {2, 2, 48, 32},
                                                       {3, 1, 64, 64}}) {
      Request request = small_request();
      request.dtype = dtype;
      request.grid = panels::Grid{rows, columns};
      request.panel = Size{width, height};
      at::set_num_threads(1);
      const ImageSet one = generate(resolve(request, {}), "", progress);
      for (const int threads : {2, 3, 4}) {
        at::set_num_threads(threads);
        const ImageSet many = generate(resolve(request, {}), "", progress);
        EXPECT_EQ(one.canvases[0].picture, many.canvases[0].picture);
        EXPECT_TRUE(at::equal(one.canvases[0].latents, many.canvases[0].latents))
            << dtype << ", " << rows << "x" << columns << " of " << width << " x " << height << ", "
            << threads << " threads";
      }
    }
  }
  at::set_num_threads(before);
}

TEST(Generate, AllPicturesOfARunAreWrittenOrNone) {
  NoProgress progress;
  const ScratchFolder scratch;
  const ImageSet set = generate(resolve(small_request(), {}), "", progress);
  const OutputPaths paths = output_paths(scratch.path(), 1, 2, true);
  std::filesystem::create_directory(paths.panels[0][1]);  // the last one cannot be written
  EXPECT_THROW(save(set, paths), Error);
  EXPECT_FALSE(std::filesystem::exists(paths.canvases[0]));
  EXPECT_FALSE(std::filesystem::exists(paths.panels[0][0]));
}

// One to nine panels, split exactly.
TEST(Generate, PanelsAreTheCanvasCut) {
  NoProgress progress;
  for (const auto& [rows, columns] : {std::pair{1, 1}, {1, 2}, {3, 1}, {2, 2}, {3, 3}}) {
    Request request = small_request();
    request.grid = panels::Grid{rows, columns};
    request.panel = Size{16, 32};
    const ScratchFolder scratch;
    const ImageSet set = generate(resolve(request, {}), "", progress);
    const OutputPaths paths = output_paths(scratch.path(), 1, rows * columns, true);
    save(set, paths);
    EXPECT_EQ(set.canvases[0].picture.width, columns * 16);
    EXPECT_EQ(paths.panels[0].size(),
              rows * columns == 1 ? 0U : static_cast<size_t>(rows * columns));
    const auto parts = panels::split(set.canvases[0].picture, set.layout);
    for (size_t i = 0; i < paths.panels[0].size(); ++i) {
      EXPECT_TRUE(std::filesystem::exists(paths.panels[0][i]));
      EXPECT_EQ(parts[i].height, 32);
    }
  }
}

TEST(Generate, SeveralCanvasesHaveTheirOwnSeedsAndEachCanBeMadeAgainAlone) {
  NoProgress progress;
  Request request = small_request();
  request.count = 3;
  const ScratchFolder scratch;
  const ImageSet set = generate(resolve(request, {}), "build", progress);
  save(set, output_paths(scratch.path(), 3, 2, true));
  EXPECT_NE(set.canvases[0].picture, set.canvases[1].picture);
  for (int i = 1; i <= 3; ++i) {
    const auto path = scratch / fmt::format("canvas-{:02}.png", i);
    const Request again = request_of_picture(path);
    EXPECT_EQ(again.count, 1);
    EXPECT_EQ(*again.seed, 5U + static_cast<uint64_t>(i) - 1);
    const ImageSet repeated = generate(resolve(again, {}), "build", progress);
    save(repeated, output_paths(scratch / "again.png", 1, 2, true));
    EXPECT_EQ(read_file(scratch / "again.png", 1 << 20), read_file(path, 1 << 20)) << i;
    EXPECT_EQ(read_file(scratch / "again-panel-2.png", 1 << 20),
              read_file(scratch / fmt::format("canvas-{:02}-panel-2.png", i), 1 << 20));
  }
}

TEST(OutputPaths, FollowTheContract) {
  const auto names = [](const OutputPaths& paths) {
    std::vector<std::string> out;
    for (size_t i = 0; i < paths.canvases.size(); ++i) {
      out.push_back(paths.canvases[i].native());
      for (const auto& panel : paths.panels[i]) out.push_back(panel.native());
    }
    return out;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(names(output_paths("d", 1, 2, true)),
            (Names{"d/canvas-01.png", "d/canvas-01-panel-1.png", "d/canvas-01-panel-2.png"}));
  EXPECT_EQ(names(output_paths("d/F.png", 1, 2, true)),
            (Names{"d/F.png", "d/F-panel-1.png", "d/F-panel-2.png"}));
  EXPECT_EQ(names(output_paths("F.png", 2, 1, true)), (Names{"F-01.png", "F-02.png"}));
  EXPECT_EQ(names(output_paths("d", 2, 2, false)), (Names{"d/canvas-01.png", "d/canvas-02.png"}));
}

TEST(Generate, StopsBetweenStepsWhenToldTo) {
  struct StopAtStepOne final : Progress {
    void report(const ProgressEvent& event) override {
      if (event.phase == "sampling" && event.step == 1) stop = true;
    }
    bool cancelled() const override { return stop; }
    bool stop = false;
  } progress;
  EXPECT_THROW(generate(resolve(small_request(), {}), "", progress), Cancelled);
}

TEST(ToImage, RoundsAsTheReferenceAndClamps) {
  const at::Tensor pixels = testing_support::normal({1, 3, 40, 50}, 3);
  const image::Image picture = to_image(pixels);
  const at::Tensor rows = pixels.squeeze(0).permute({1, 2, 0}).contiguous();
  for (size_t i = 0; i < picture.rgb.size(); ++i) {
    const float scaled = std::clamp(rows.data_ptr<float>()[i] / 2 + 0.5F, 0.0F, 1.0F) * 255;
    ASSERT_EQ(picture.rgb[i], std::nearbyint(scaled));  // half to even
  }
  EXPECT_EQ(to_image(at::full({1, 3, 1, 1}, 7.0)).rgb, (std::vector<uint8_t>{255, 255, 255}));
  EXPECT_EQ(to_image(at::zeros({1, 3, 1, 1})).rgb, (std::vector<uint8_t>{128, 128, 128}));
}

}  // namespace
}  // namespace iclora::sampling
