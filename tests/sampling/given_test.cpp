#include "sampling/given.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <c10/core/GradMode.h>

#include "core/error.h"
#include "core/file.h"
#include "fixtures.h"
#include "flux/latents.h"
#include "image/png_write.h"
#include "image/read.h"
#include "image/resize.h"
#include "refusal.h"
#include "runtime/file_weights.h"
#include "sampling/conditioning.h"
#include "sampling/decode.h"
#include "sampling/generate.h"
#include "sampling/picture.h"
#include "scratch.h"
#include "tensors.h"
#include "vae/autoencoder.h"
#include "weights/safetensors_writer.h"

namespace iclora::sampling {
namespace {

using testing::HasSubstr;
using testing_support::refusal_of;
using testing_support::relative_l2;
using testing_support::ScratchFolder;
namespace fs = std::filesystem;

const fs::path kToy = ICLORA_FIXTURES "/models/toy-dev";
const fs::path kPictures = ICLORA_FIXTURES "/pictures";

/// Two panels beside each other, the left one given.
Request diptych(const fs::path& picture) {
  Request request;
  request.model = kToy.native();
  request.prompt = "[LEFT] a mug [RIGHT] the same mug";
  request.panel = Size{32, 48};
  request.steps = 4;
  request.seed = 5;
  request.dtype = "fp32";
  request.given = {{1, picture.native(), {}, ""}};
  return request;
}

std::string message_of(const Request& request) {
  return refusal_of([&] { resolve(request, {}); });
}

ImageSet run(const Request& request) {
  NoProgress progress;
  return generate(resolve(request, {}), "", progress);
}

/// The steps written down once more, on the canvas' latents [1, C, h, w] and on a grid of 1x2.
at::Tensor steps_by_hand(const Resolved& resolved) {
  const c10::NoGradGuard no_grad;
  NoProgress progress;
  const Request& request = resolved.request;
  runtime::FileWeights vae_source(weights::Checkpoint::open(resolved.folder.vae.folder));
  const auto encoder = vae::load_encoder(vae_source, resolved.configs.vae, at::kFloat);
  const at::Tensor x0 = vae::to_transformer_scale(
      resolved.configs.vae, vae::encode(encoder, pixels_of(resolved.given[0].picture)).mean);
  runtime::FileWeights source(weights::Checkpoint::open(resolved.folder.transformer.folder));
  const auto transformer = flux::load_transformer(source, resolved.configs.transformer, at::kFloat);
  const auto text = encode_prompts(resolved, {resolved.joint_prompt}, *request.text_length,
                                   at::kFloat, progress)[0];
  const int64_t h = x0.size(2), w = x0.size(3);
  const at::Tensor noise = seeded_noise(*request.seed, 16, h, 2 * w);
  const auto levels = sigmas(resolved.configs.schedule, request.steps, h / 2 * w);
  flux::Context context = {text.text, text.pooled,
                           flux::canvas_rope(transformer.config, text.text.size(1), h, 2 * w)};
  int64_t first = 0;
  at::Tensor x = noise;
  if (request.condition == "sdedit" && *request.strength < 1) {
    first = request.steps -
            static_cast<int64_t>(std::ceil(static_cast<double>(request.steps) * *request.strength));
    const float sigma = levels[static_cast<size_t>(first)];
    x = (1 - sigma) * at::cat({x0, x0}, 3) + sigma * noise;
  }
  at::Tensor tokens = at::zeros({1, 1, h, 2 * w}, at::kBool);
  tokens.slice(3, 0, w).fill_(true);
  tokens = flux::pack_latents(tokens).any(-1);
  if (request.given_sees == "given") {
    std::vector<bool> given;
    for (int64_t i = 0; i < tokens.size(1); ++i) given.push_back(tokens[0][i].item<bool>());
    context.attention = flux::canvas_attention(
        text.text.size(1), given, {request.given_attention.value_or(1.0), flux::GivenSees::given});
  }
  for (int64_t step = first; step < request.steps; ++step) {
    const float sigma = levels[static_cast<size_t>(step)];
    at::Tensor left = x0;
    if (request.condition == "replace") left = (1 - sigma) * x0 + sigma * noise.slice(3, 0, w);
    if (request.condition == "sdedit") {
      at::Tensor fresh = at::empty_like(noise);
      Random(*request.seed, Stream::sampling_noise, static_cast<uint64_t>(step) + 1)
          .fill_normal({fresh.data_ptr<float>(), static_cast<size_t>(fresh.numel())});
      left = (1 - sigma) * x0 + sigma * fresh.slice(3, 0, w);
    }
    x.slice(3, 0, w).copy_(left);
    flux::Query query = {flux::pack_latents(x),
                         at::full({1}, timestep_of(sigma)),
                         at::full({1}, request.guidance),
                         {}};
    if (request.given_timestep == "zero") query.given = tokens;
    const at::Tensor velocity =
        flux::unpack_latents(flux::transformer_forward(transformer, query, context), h, 2 * w);
    x = x + velocity * (levels[static_cast<size_t>(step) + 1] - sigma);
  }
  x.slice(3, 0, w).copy_(x0);
  return x;
}

struct Way {
  std::string condition;
  std::optional<std::string> timestep;
  std::optional<double> strength;
  std::optional<std::string> sees = {};
  std::optional<double> gain = {};
};

TEST(Given, EachWayTakesTheStepsItSays) {
  const std::vector<Way> ways = {{"clean", "shared", {}},
                                 {"clean", "zero", {}},
                                 {"clean", "zero", {}, "given"},
                                 {"clean", "zero", {}, "given", 2.0},
                                 {"replace", {}, {}},
                                 {"sdedit", {}, 1.0},
                                 {"sdedit", {}, 0.6}};
  std::vector<at::Tensor> all;
  for (const Way& way : ways) {
    Request request = diptych(kPictures / "cover-a.expected.png");
    request.condition = way.condition;
    request.given_timestep = way.timestep;
    request.strength = way.strength;
    request.given_sees = way.sees;
    request.given_attention = way.gain;
    const Resolved resolved = resolve(request, {});
    NoProgress progress;
    const ImageSet set = generate(resolved, "", progress);
    // The same sums in another order of the loop's pieces.
    EXPECT_LT(relative_l2(set.canvases[0].latents, steps_by_hand(resolved)), 1e-6) << way.condition;
    for (const at::Tensor& other : all) {
      EXPECT_GT(relative_l2(set.canvases[0].latents.slice(3, 4), other.slice(3, 4)), 1e-3);
    }
    all.push_back(set.canvases[0].latents);
  }
}

TEST(Given, StrengthIsTheShareOfTheStepsThatIsTaken) {
  GivenTokens given;
  given.method = GivenMethod::sdedit;
  const auto left_out = [&](double strength, int64_t steps) {
    given.strength = strength;
    return first_step(given, steps);
  };
  // As diffusers' inpainting pipelines count: int(max(steps - min(steps * strength, steps), 0)).
  EXPECT_EQ(left_out(1.0, 20), 0);
  EXPECT_EQ(left_out(0.5, 20), 10);
  EXPECT_EQ(left_out(0.33, 20), 13);
  EXPECT_EQ(left_out(0.001, 20), 19);
  EXPECT_EQ(left_out(0.6, 1), 0);
  given.method = GivenMethod::replace;
  EXPECT_EQ(left_out(0.5, 20), 0);
}

// Whatever a picture is made of, it comes back as the fitted pixels, and --from makes it again.
TEST(Given, PicturesOfAllKindsComeBackPixelByPixelAndOnceMore) {
  const ScratchFolder scratch;
  for (const char* name : {"cmyk.jpg", "exif-6.jpg", "deep-rgba.png", "alpha.webp", "bits-2.png"}) {
    const image::Image fitted = image::fit_cover(image::read_image(kPictures / name), 32, 48);
    const ImageSet set = run(diptych(kPictures / name));
    EXPECT_EQ(panels::split(set.canvases[0].picture, set.layout)[0], fitted) << name;
    ASSERT_EQ(set.canvases[0].given.size(), 1U);
    EXPECT_EQ(set.canvases[0].given[0].panel, 1);
    // A toy's autoencoder keeps little of a picture.
    EXPECT_GT(set.canvases[0].given[0].decoded, 1) << name;
    EXPECT_GT(set.canvases[0].given[0].seam, 1) << name;

    save(set, output_paths(scratch / "one.png", 1, 2, true));
    const ImageSet again = run(request_of_picture(scratch / "one.png"));
    save(again, output_paths(scratch / "again.png", 1, 2, true));
    for (const char* suffix : {".png", "-panel-1.png", "-panel-2.png"}) {
      EXPECT_EQ(read_file(scratch / (std::string("again") + suffix), 1 << 20),
                read_file(scratch / (std::string("one") + suffix), 1 << 20));
    }
  }
}

TEST(Given, ContainedPicturesAreWhole) {
  Request request = diptych(kPictures / "cmyk.jpg");
  request.given_fit = "contain";
  const image::Image fitted = image::fit_contain(image::read_image(kPictures / "cmyk.jpg"), 32, 48);
  const ImageSet set = run(request);
  EXPECT_EQ(panels::split(set.canvases[0].picture, set.layout)[0], fitted);
}

TEST(Given, DecodedIsWhatTheAutoencoderMakesOfTheLatents) {
  Request request = diptych(kPictures / "cmyk.jpg");
  const ImageSet pasted = run(request);
  request.given_as = "decoded";
  const ImageSet decoded = run(request);
  EXPECT_TRUE(at::equal(pasted.canvases[0].latents, decoded.canvases[0].latents));
  const auto left = panels::split(decoded.canvases[0].picture, decoded.layout);
  const auto other = panels::split(pasted.canvases[0].picture, pasted.layout);
  EXPECT_EQ(left[1], other[1]);
  EXPECT_NE(left[0], other[0]);
  // What is reported is the difference of these two.
  double sum = 0, seam = 0;
  for (int64_t y = 0; y < 48; ++y) {
    for (int64_t x = 0; x < 32 * 3; ++x) {
      const double difference = std::abs(int{left[0].row(y)[x]} - int{other[0].row(y)[x]});
      sum += difference;
      if (x / 3 == 31) seam += difference;
    }
  }
  EXPECT_NEAR(decoded.canvases[0].given[0].decoded, sum / (48 * 32 * 3), 1e-9);
  EXPECT_NEAR(decoded.canvases[0].given[0].seam, seam / (48 * 3), 1e-9);
}

TEST(Given, AnySubsetOfPanelsMayBeGiven) {
  Request request = diptych(kPictures / "cmyk.jpg");
  request.prompt = "four of them";
  request.grid = panels::Grid{2, 2};
  request.given = {{2, (kPictures / "alpha.png").native(), {}, ""},
                   {3, (kPictures / "cmyk.jpg").native(), {}, ""},
                   {4, (kPictures / "deep.png").native(), {}, ""}};
  const ImageSet set = run(request);
  const auto parts = panels::split(set.canvases[0].picture, set.layout);
  EXPECT_EQ(parts[1], image::fit_cover(image::read_image(kPictures / "alpha.png"), 32, 48));
  EXPECT_EQ(parts[2], image::fit_cover(image::read_image(kPictures / "cmyk.jpg"), 32, 48));
  EXPECT_EQ(parts[3], image::fit_cover(image::read_image(kPictures / "deep.png"), 32, 48));
}

TEST(Given, APanelOfACanvasIsCutOutByItsOwnLayout) {
  const ScratchFolder scratch;
  const ImageSet set = run(diptych(kPictures / "cmyk.jpg"));
  save(set, output_paths(scratch / "set.png", 1, 2, true));
  Request request = diptych(scratch / "set.png");
  request.given[0].cut = 2;
  const ImageSet next = run(request);
  EXPECT_EQ(panels::split(next.canvases[0].picture, next.layout)[0],
            panels::split(set.canvases[0].picture, set.layout)[1]);
  request.given[0].cut = 3;
  EXPECT_THAT(message_of(request), HasSubstr("has no panel 3"));
  request.given[0] = {1, (kPictures / "cmyk.jpg").native(), 1, ""};
  EXPECT_THAT(message_of(request), HasSubstr("give the panel's own picture"));
}

TEST(Given, WhatCannotBeIsRefused) {
  const ScratchFolder scratch;
  const fs::path copy = scratch / "copy.jpg";
  fs::copy_file(kPictures / "cmyk.jpg", copy);
  Request request = diptych(copy);
  request.given[0].panel = 3;
  EXPECT_THAT(message_of(request), HasSubstr("--given names panel 3, but the grid 1x2 has 2"));
  request.given = {{1, copy.native(), {}, ""}, {2, copy.native(), {}, ""}};
  EXPECT_THAT(message_of(request), HasSubstr("All 2 panels are given"));
  request = diptych(copy);
  request.strength = 0.5;
  EXPECT_THAT(message_of(request), HasSubstr("--strength belongs to --condition sdedit"));
  request = diptych(copy);
  request.condition = "replace";
  request.given_timestep = "zero";
  EXPECT_THAT(message_of(request), HasSubstr("--given-timestep belongs to --condition clean"));
  request.given.clear();
  EXPECT_THAT(message_of(request), HasSubstr("no effect without a given panel"));
  request = diptych(copy);
  request.given_sees = "given";
  EXPECT_THAT(message_of(request), HasSubstr("--given-sees belongs to --condition clean"));
  request.condition = "clean";
  request.given_timestep = "shared";
  EXPECT_THAT(message_of(request), HasSubstr("--given-sees given needs --given-timestep zero"));
  request = diptych(copy);
  request.given.clear();
  request.given_attention = 1.0;
  EXPECT_THAT(message_of(request), HasSubstr("--given-attention has no effect without"));

  Request remembered = resolve(diptych(copy), {}).request;
  EXPECT_EQ(remembered.given[0].sha256.size(), 64U);
  EXPECT_EQ(message_of(remembered), "accepted");
  fs::copy_file(kPictures / "alpha.png", copy, fs::copy_options::overwrite_existing);
  EXPECT_THAT(message_of(remembered), HasSubstr("is not the one that was used before"));
  fs::remove(copy);
  EXPECT_THAT(message_of(remembered), HasSubstr("is not there any more"));
}

/// An adapter of one layer whose training says `training`.
fs::path write_lora(const fs::path& path, const Json& training) {
  weights::SafetensorsWriter writer(
      path,
      {{"transformer.transformer_blocks.0.attn.to_q.lora_A.weight", weights::Dtype::f32, {2, 32}},
       {"transformer.transformer_blocks.0.attn.to_q.lora_B.weight", weights::Dtype::f32, {32, 2}}},
      {{"format", "pt"}, {"iclora", Json{{"training", training}}.dump()}});
  const std::vector<float> values(128, 0.01F);
  writer.append(std::as_bytes(std::span(values)));
  writer.commit();
  return path;
}

TEST(Given, TheWayIsThatOfTheAdaptersTraining) {
  const ScratchFolder scratch;
  const auto settled = [&](const Json& training) {
    Request request = diptych(kPictures / "cmyk.jpg");
    if (!training.is_null()) {
      request.loras = {{write_lora(scratch / "l.safetensors", training).native(), 1.0}};
    }
    request = resolve(request, {}).request;
    return *request.condition + " " + request.given_timestep.value_or("-") + " " +
           request.given_sees.value_or("-");
  };
  EXPECT_EQ(settled(nullptr), "replace - -");
  EXPECT_EQ(settled({{"conditional", 0.0}}), "replace - -");
  EXPECT_EQ(settled({{"conditional", 0.5}}), "clean shared all");
  Json training = {{"conditional", 0.5}, {"given_timestep", "zero"}};
  EXPECT_EQ(settled(training), "clean zero all");
  training["given_sees"] = "given";
  EXPECT_EQ(settled(training), "clean zero given");

  // An option beside it wins.
  Request request = diptych(kPictures / "cmyk.jpg");
  request.loras = {{write_lora(scratch / "l.safetensors", training).native(), 1.0}};
  request.given_timestep = "shared";
  EXPECT_EQ(resolve(request, {}).request.given_sees, "all");
  request = diptych(kPictures / "cmyk.jpg");
  request.condition = "clean";
  request.given_sees = "given";
  EXPECT_EQ(resolve(request, {}).request.given_timestep, "zero");
}

TEST(Given, RequestsRoundTrip) {
  const Json json = {{"model", "m"},
                     {"prompt", "p"},
                     {"steps", 20},
                     {"guidance", 3.5},
                     {"given",
                      {{{"panel", 1}, {"image", "a.png"}, {"sha256", "ab"}},
                       {{"panel", 3}, {"image", "set.png"}, {"cut", 2}}}},
                     {"condition", "sdedit"},
                     {"strength", 0.5},
                     {"given_sees", "given"},
                     {"given_attention", 1.3},
                     {"given_as", "decoded"},
                     {"given_fit", "contain"}};
  EXPECT_EQ(request_to_json(request_from_json(json, "r")), json);
  for (const Json& wrong :
       {Json{{"given", {{{"panel", 1}, {"image", "a"}}, {{"panel", 1}, {"image", "b"}}}}},
        Json{{"given", {{{"panel", 0}, {"image", "a"}}}}}, Json{{"given", "a"}},
        Json{{"given", {{{"panel", 1}, {"imge", "a"}}}}}, Json{{"condition", "cleen"}},
        Json{{"strength", 0}}, Json{{"strength", 1.5}}}) {
    EXPECT_THROW(request_from_json(wrong, "r"), Error) << wrong;
  }
}

}  // namespace
}  // namespace iclora::sampling
