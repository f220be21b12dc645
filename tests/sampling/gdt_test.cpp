// Sampling with panels as sequences of their own, and with a gain on the attention to given panels.

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/file.h"
#include "core/philox.h"
#include "fixtures.h"
#include "flux/latents.h"
#include "runtime/file_weights.h"
#include "sampling/conditioning.h"
#include "sampling/decode.h"
#include "sampling/generate.h"
#include "sampling/picture.h"
#include "sampling/revise.h"
#include "scratch.h"
#include "tensors.h"
#include "weights/safetensors_writer.h"

namespace iclora::sampling {
namespace {

using testing_support::normal;
using testing_support::relative_l2;
using testing_support::ScratchFolder;

const std::filesystem::path kPictures = ICLORA_FIXTURES "/pictures";

/// Two panels of 32 x 48 pixels beside each other.
Request diptych(const std::string& method) {
  Request request;
  request.model = ICLORA_FIXTURES "/models/toy-dev";
  request.prompt = "mugs [LEFT] red [RIGHT] blue";
  request.panel = Size{32, 48};
  request.steps = 3;
  request.seed = 5;
  request.dtype = "fp32";
  request.method = method;
  return request;
}

GivenPicture given(int64_t panel) {
  return {panel, (kPictures / "cmyk.jpg").native(), {}, ""};
}

ImageSet run(const Request& request) {
  NoProgress progress;
  return generate(resolve(request, {}), "", progress);
}

flux::Transformer transformer_of(const Resolved& resolved) {
  runtime::FileWeights source(weights::Checkpoint::open(resolved.folder.transformer.folder));
  return flux::load_transformer(source, resolved.configs.transformer, at::kFloat);
}

/// The steps of a diptych written down once more: texts, tokens and positions put together here.
/// The left panel is given, clean and at timestep 0, where the request says so.
at::Tensor steps_by_hand(const Resolved& resolved, const at::Tensor& left_x0) {
  const c10::NoGradGuard no_grad;
  NoProgress progress;
  const Request& request = resolved.request;
  const flux::Transformer transformer = transformer_of(resolved);
  const auto texts =
      encode_prompts(resolved, {"mugs red", "mugs blue", request.negative_prompt.value_or("")},
                     *request.text_length, at::kFloat, progress);
  const int64_t w = request.panel->width / 8, h = request.panel->height / 8;
  const at::Tensor noise = seeded_noise(*request.seed, 16, h, 2 * w);
  at::Tensor left = flux::pack_latents(noise.slice(3, 0, w));
  at::Tensor right = flux::pack_latents(noise.slice(3, w));
  const bool has_given = left_x0.defined();
  const auto context = [&](size_t first, size_t second) {
    flux::Context out;
    out.text = at::cat({texts[first].text, texts[second].text}, 1);
    out.pooled = at::stack({texts[first].pooled, texts[second].pooled}, 1);
    out.panel_tokens = {left.size(1), right.size(1)};
    const at::Tensor ids = flux::image_ids(h, w);
    out.rope = nn::rope_table(at::cat({flux::text_ids(out.text.size(1)), ids, ids}),
                              transformer.config.axes_dims_rope, flux::kRopeTheta);
    const auto sees = request.given_sees == "given" ? flux::GivenSees::given : flux::GivenSees::all;
    out.attention =
        flux::panel_attention(*request.text_length, out.panel_tokens, {has_given, false},
                              {request.given_attention.value_or(1), sees});
    return out;
  };
  const flux::Context positive = context(0, 1), negative = context(2, 2);
  // The noise levels of the canvas.
  const auto levels = sigmas(resolved.configs.schedule, request.steps, h / 2 * w);
  for (size_t step = 0; step + 1 < levels.size(); ++step) {
    if (has_given) left = flux::pack_latents(left_x0);
    flux::Query query = {at::cat({left, right}, 1),
                         at::full({1}, timestep_of(levels[step])),
                         at::full({1}, request.guidance),
                         {}};
    if (has_given) {
      query.given = at::cat(
          {at::ones({1, left.size(1)}, at::kBool), at::zeros({1, right.size(1)}, at::kBool)}, 1);
    }
    at::Tensor velocity = flux::transformer_forward(transformer, query, positive);
    if (request.cfg != 1) {
      const at::Tensor away = flux::transformer_forward(transformer, query, negative);
      velocity = away + request.cfg * (velocity - away);
    }
    velocity = velocity * (levels[step + 1] - levels[step]);
    left = left + velocity.slice(1, 0, left.size(1));
    right = right + velocity.slice(1, left.size(1));
  }
  if (has_given) left = flux::pack_latents(left_x0);
  return at::cat({flux::unpack_latents(left, h, w), flux::unpack_latents(right, h, w)}, 3);
}

TEST(Gdt, TakesTheStepsItSays) {
  Request plain = diptych("gdt");
  Request negative = plain;
  negative.cfg = 2.5;
  negative.negative_prompt = "blur";
  Request conditioned = plain;
  conditioned.given = {given(1)};
  conditioned.condition = "clean";
  conditioned.given_timestep = "zero";
  Request attended = conditioned;
  attended.given_attention = 1.7;
  attended.cfg = 2;
  Request apart = attended;
  apart.given_sees = "given";
  std::vector<at::Tensor> all;
  for (const Request& request : {plain, negative, conditioned, attended, apart}) {
    const Resolved resolved = resolve(request, {});
    NoProgress progress;
    const at::Tensor latents = generate(resolved, "", progress).canvases[0].latents;
    at::Tensor x0;
    if (!request.given.empty()) {
      x0 = encode_given(resolved, progress)->latents.slice(3, 0, 4).contiguous();
    }
    // The same sums in another order of the loop's pieces.
    EXPECT_LT(relative_l2(latents, steps_by_hand(resolved, x0)), 1e-5) << all.size();
    for (const at::Tensor& other : all) {
      EXPECT_GT(relative_l2(latents.slice(3, 4), other.slice(3, 4)), 1e-3);
    }
    all.push_back(latents);
  }
  EXPECT_GT(relative_l2(all[0], run(diptych("canvas")).canvases[0].latents), 1e-2);
}

TEST(Gdt, OfOnePanelIsTheCanvas) {
  for (const char* dtype : {"fp32", "bf16"}) {
    Request canvas = diptych("canvas"), gdt = diptych("gdt");
    for (Request* request : {&canvas, &gdt}) {
      request->prompt = "a mug";
      request->dtype = dtype;
      request->cfg = 2;
    }
    const ImageSet one = run(canvas), other = run(gdt);
    EXPECT_TRUE(at::equal(one.canvases[0].latents, other.canvases[0].latents));
    EXPECT_EQ(one.canvases[0].picture, other.canvases[0].picture);
  }
}

/// Three panels of two sizes, 16 pixels between them.
panels::Layout with_gutters() {
  return {80, 64, {1, 3}, {{0, 0, 32, 64}, {48, 0, 32, 16}, {48, 32, 32, 32}}};
}

/// A panel of a canvas' latents, alone.
at::Tensor cut(const at::Tensor& latents, const flux::LatentBox& box) {
  return latents.slice(2, box.y, box.y + box.height)
      .slice(3, box.x, box.x + box.width)
      .contiguous();
}

TEST(Gdt, MaskedFromEachOtherPanelsAreGenerationsOfTheirOwn) {
  const c10::NoGradGuard no_grad;
  NoProgress progress;
  const Resolved resolved = resolve(diptych("gdt"), {});
  const flux::Transformer transformer = transformer_of(resolved);
  runtime::FileWeights vae(weights::Checkpoint::open(resolved.folder.vae.folder));
  const vae::Decoder decoder = vae::load_decoder(vae, resolved.configs.vae, at::kFloat);
  const auto texts = encode_prompts(resolved, {"red", "blue", "green", "blur"},
                                    *resolved.request.text_length, at::kFloat, progress);
  const std::vector<Conditioning> captions(texts.begin(), texts.begin() + 3);
  const Conditioning away = joined({texts[3], texts[3], texts[3]});
  const panels::Layout layout = with_gutters();
  const at::Tensor noise = normal({1, 16, 8, 10}, 3);

  EulerSettings settings;
  settings.sigmas = sigmas(resolved.configs.schedule, 4, 20);
  settings.cfg = 2;
  settings.panels = panel_sequences(Method::gdt, layout);
  settings.across = flux::CrossPanel::masked;
  const at::Tensor together =
      euler_sample(transformer, noise, joined(captions), away, settings, progress);
  const auto pictures =
      panels::split(decode_canvas(decoder, together, layout, Method::gdt, progress), layout);

  EulerSettings alone = settings;
  alone.panels.clear();
  alone.across = flux::CrossPanel::seen;
  for (size_t i = 0; i < settings.panels.size(); ++i) {
    const flux::LatentBox& box = settings.panels[i];
    const at::Tensor expected =
        euler_sample(transformer, cut(noise, box), captions[i], texts[3], alone, progress);
    // Sums of other lengths are rounded in another order, step after step.
    EXPECT_LT(relative_l2(cut(together, box), expected), 1e-5) << i;
    const image::Image picture =
        decode_canvas(decoder, expected, panels::grid_layout({1, 1}, box.width * 8, box.height * 8),
                      Method::gdt, progress);
    ASSERT_EQ(picture.rgb.size(), pictures[i].rgb.size());
    int apart = 0;
    for (size_t k = 0; k < picture.rgb.size(); ++k) {
      apart = std::max(apart, std::abs(int{picture.rgb[k]} - int{pictures[i].rgb[k]}));
    }
    EXPECT_LE(apart, 1) << i;
  }
  settings.across = flux::CrossPanel::seen;
  const at::Tensor seen =
      euler_sample(transformer, noise, joined(captions), away, settings, progress);
  EXPECT_GT(relative_l2(seen, together), 1e-3);
}

TEST(Gdt, GuttersAreNeitherSeenNorDrawn) {
  const c10::NoGradGuard no_grad;
  NoProgress progress;
  const Resolved resolved = resolve(diptych("gdt"), {});
  const flux::Transformer transformer = transformer_of(resolved);
  const auto texts = encode_prompts(resolved, {"red", "blue", "green"},
                                    *resolved.request.text_length, at::kFloat, progress);
  const panels::Layout layout = with_gutters();
  EulerSettings settings;
  settings.sigmas = sigmas(resolved.configs.schedule, 2, 20);
  settings.panels = panel_sequences(Method::gdt, layout);
  at::Tensor inside = at::zeros({1, 1, 8, 10}, at::kBool);
  for (const flux::LatentBox& box : settings.panels) {
    inside.slice(2, box.y, box.y + box.height).slice(3, box.x, box.x + box.width).fill_(true);
  }
  const at::Tensor noise = normal({1, 16, 8, 10}, 3);
  const at::Tensor other = at::where(inside, noise, normal({1, 16, 8, 10}, 4));
  const at::Tensor latents =
      euler_sample(transformer, noise, joined(texts), {}, settings, progress);
  EXPECT_TRUE(
      at::equal(latents, euler_sample(transformer, other, joined(texts), {}, settings, progress)));
  EXPECT_TRUE(at::equal(latents.masked_fill(inside, 0), at::zeros_like(latents)));
  EXPECT_FALSE(at::equal(latents, at::zeros_like(latents)));

  runtime::FileWeights vae(weights::Checkpoint::open(resolved.folder.vae.folder));
  const vae::Decoder decoder = vae::load_decoder(vae, resolved.configs.vae, at::kFloat);
  const image::Image picture = decode_canvas(decoder, latents, layout, Method::gdt, progress);
  for (int64_t x = 3 * 32; x < 3 * 48; ++x) EXPECT_EQ(picture.row(5)[x], 0);
}

// Grids of one to nine panels, each way of conditioning, several canvases, adapters: on any threads
// the same, and once more from the picture.
TEST(Gdt, AnySetIsTheSameOnAnyThreadsAndFromItsPicture) {
  const ScratchFolder scratch;
  const int before = at::get_num_threads();
  const std::vector<std::string> ways = {"", "clean", "replace", "sdedit"};
  size_t way = 0;
  for (const auto& [rows, columns] :
       {std::pair{1, 1}, {1, 2}, {3, 1}, {2, 2}, {5, 1}, {2, 3}, {1, 7}, {4, 2}, {3, 3}}) {
    Request request = diptych("gdt");
    request.prompt = "a set";
    request.grid = panels::Grid{rows, columns};
    request.panel = Size{16, 32};
    request.steps = 2;
    request.count = 2;
    request.dtype = way % 2 == 0 ? "fp32" : "bf16";
    request.loras = {{ICLORA_FIXTURES "/models/lora-a.safetensors", 0.5}};
    if (const std::string& name = ways[way++ % 4]; !name.empty() && rows * columns > 1) {
      request.condition = name;
      request.given = {given(rows * columns)};
      request.given_attention = 1.5;
    }
    at::set_num_threads(1);
    const ImageSet one = run(request);
    at::set_num_threads(3);
    const ImageSet many = run(request);
    EXPECT_EQ(one.canvases[1].picture, many.canvases[1].picture) << rows << "x" << columns;
    save(many, output_paths(scratch.path(), 2, rows * columns, false));
    const Request stored = request_of_picture(scratch / "canvas-02.png");
    EXPECT_EQ(stored.method, "gdt");
    EXPECT_EQ(stored.given_attention, request.given_attention);
    save(run(stored), output_paths(scratch / "again.png", 1, 1, false));
    EXPECT_EQ(read_file(scratch / "again.png", 1 << 20),
              read_file(scratch / "canvas-02.png", 1 << 20));
  }
  at::set_num_threads(before);
}

TEST(Gdt, NoiseAndLatentsKeepTheCanvasForm) {
  const ScratchFolder scratch;
  Request request = diptych("gdt");
  const ImageSet seeded = run(request);
  const at::Tensor noise = seeded_noise(5, 16, 6, 8);
  weights::SafetensorsWriter writer(scratch / "n.safetensors",
                                    {{"noise", weights::Dtype::f32, noise.sizes().vec()}});
  writer.append({reinterpret_cast<const std::byte*>(noise.data_ptr<float>()), noise.nbytes()});
  writer.commit();
  request.noise = (scratch / "n.safetensors").native();
  request.seed = 77;
  const ImageSet replayed = run(request);
  EXPECT_TRUE(at::equal(replayed.canvases[0].latents, seeded.canvases[0].latents));
  EXPECT_EQ(replayed.canvases[0].latents.sizes(), noise.sizes());
}

TEST(Gdt, ASetIsRedoneAndExtendedByItsOwnMethod) {
  const ScratchFolder scratch;
  const ImageSet set = run(diptych("gdt"));
  save(set, output_paths(scratch / "set.png", 1, 2, false));
  Request redone = redo_panels(scratch / "set.png", {2});
  redone.seed = 6;
  EXPECT_EQ(redone.method, "gdt");
  const auto before = panels::split(set.canvases[0].picture, set.layout);
  const ImageSet anew = run(redone);
  EXPECT_EQ(panels::split(anew.canvases[0].picture, anew.layout)[0], before[0]);
  Request longer = extend_set(scratch / "set.png", {"green"});
  longer.seed = 6;
  const Resolved resolved = resolve(longer, {});
  EXPECT_EQ(resolved.captions, (std::vector<std::string>{"mugs red", "mugs blue", "mugs green"}));
}

TEST(GivenAttention, OfOneChangesNothingAndOfMoreOnlyWhatIsDrawn) {
  for (const char* method : {"canvas", "gdt"}) {
    Request request = diptych(method);
    request.given = {given(1)};
    const at::Tensor plain = run(request).canvases[0].latents;
    request.given_attention = 1.0;
    EXPECT_TRUE(at::equal(run(request).canvases[0].latents, plain)) << method;
    request.given_attention = 1.5;
    const at::Tensor more = run(request).canvases[0].latents;
    EXPECT_TRUE(at::equal(more.slice(3, 0, 4), plain.slice(3, 0, 4))) << method;
    EXPECT_GT(relative_l2(more.slice(3, 4), plain.slice(3, 4)), 1e-4) << method;
  }
}

}  // namespace
}  // namespace iclora::sampling
