// Panels as sequences of their own, against diffusers' blocks under a mask
// (tools/reference/dump_gdt.py).

#include "flux/panel_sequences.h"

#include <gtest/gtest.h>

#include "fixtures.h"
#include "flux/latents.h"
#include "latent_boxes.h"
#include "nn/one_thread.h"
#include "tensors.h"
#include "trained.h"

namespace iclora::flux {
namespace {

using testing_support::Fixture;
using testing_support::give_slots;
using testing_support::named;
using testing_support::relative_l2;
using testing_support::Trained;
using testing_support::transformer_from;

// As in the tests of the canvas: three times what the reference itself loses, or 1e-5.
constexpr double kGradientTolerance = 1e-5;
constexpr double kModuleTolerance = 1e-5;

const std::string kFolder = ICLORA_FIXTURES "/models/toy-dev/transformer";

class PanelSequences : public testing::Test {
 protected:
  Fixture fixture_{"training/gdt.safetensors"};
  Fixture init_{"training/init_lora.safetensors"};

  at::Tensor batch(const char* name) { return fixture_[std::string("batch.") + name]; }

  std::vector<LatentBox> boxes() { return testing_support::latent_boxes(fixture_, "boxes"); }
  at::Tensor order() {
    return panel_order(boxes(), batch("latents").size(2), batch("latents").size(3));
  }
  at::Tensor tokens(const at::Tensor& canvas) { return to_panels(pack_latents(canvas), order()); }
  std::vector<bool> first_given() { return {true, false, false}; }

  /// bool [tokens]: those of the first panel.
  at::Tensor first_panel() {
    const LatentBox box = boxes()[0];
    at::Tensor mask = at::zeros({order().size(0)}, at::kBool);
    mask.slice(0, 0, box.width / 2 * (box.height / 2)).fill_(true);
    return mask;
  }

  Query query(bool given) {
    const at::Tensor x0 = batch("latents"), t = batch("t");
    const at::Tensor at_t = t.view({-1, 1, 1, 1});
    Query out{tokens((1 - at_t) * x0 + at_t * batch("noise")), t, at::ones_like(t), {}};
    if (given) {
      out.given = first_panel().expand({t.size(0), -1});
      out.latents = at::where(out.given.unsqueeze(-1), tokens(x0), out.latents);
    }
    return out;
  }
  Context context(const Config& config, double gain = 1.0) {
    return panel_context(config, boxes(), batch("t5"), batch("clip"), first_given(), {gain});
  }

  Trained train(bool lora, bool given, bool checkpointing, at::ScalarType dtype = at::kFloat) {
    Transformer transformer = transformer_from(kFolder, dtype);
    const auto names = give_slots(transformer, lora ? &init_ : nullptr);
    const Context told = context(transformer.config);
    TransformerSaved saved;
    saved.checkpointing = checkpointing;
    const at::Tensor velocity =
        transformer_training_forward(transformer, query(given), told, saved).to(at::kFloat);
    at::Tensor error = velocity - tokens(batch("noise") - batch("latents"));
    if (given) error = error.masked_fill(first_panel().view({1, -1, 1}), 0);
    const int64_t counted = given ? error.numel() / error.size(1) *
                                        (error.size(1) - first_panel().sum().item<int64_t>())
                                  : error.numel();
    nn::Gradients gradients(names.size());
    transformer_backward(transformer, saved, told,
                         (error * (2.0 / static_cast<double>(counted))).to(dtype), gradients);
    Trained out;
    out.loss = (error.square().sum() / counted).item<double>();
    out.gradients = named(gradients, names);
    return out;
  }

  void expect_the_references(const std::string& prefix, bool lora) {
    const Json deviation = Json::parse(fixture_.metadata().at("deviation"));
    const Trained ours = train(lora, !prefix.empty(), /*checkpointing=*/false);
    const std::string kind = prefix + (lora ? "lora." : "full.");
    EXPECT_NEAR(ours.loss, fixture_[kind + "loss"].item<double>(), 1e-6);
    size_t compared = 0;
    for (const auto& [key, value] : deviation.items()) {
      if (!key.starts_with(kind)) continue;
      const auto found = ours.gradients.find(key.substr(kind.size()));
      const at::Tensor expected = fixture_[key];
      if (expected.count_nonzero().item<int64_t>() == 0) {
        EXPECT_TRUE(found == ours.gradients.end() ||
                    found->second.count_nonzero().item<int64_t>() == 0)
            << key;
        continue;
      }
      ASSERT_NE(found, ours.gradients.end()) << key;
      EXPECT_LE(relative_l2(found->second, expected),
                std::max(kGradientTolerance, 3 * value.get<double>()))
          << key;
      ++compared;
    }
    EXPECT_GT(compared, lora ? 80U : 110U);
  }
};

TEST_F(PanelSequences, VelocityEqualsTheReferences) {
  const Transformer transformer = transformer_from(kFolder, at::kFloat);
  const auto velocity = [&](bool given, double gain) {
    return transformer_forward(transformer, query(given), context(transformer.config, gain));
  };
  EXPECT_LT(relative_l2(velocity(false, 1.0), fixture_["output"]), kModuleTolerance);
  EXPECT_LT(relative_l2(velocity(true, 1.0), fixture_["zero.output"]), kModuleTolerance);
  EXPECT_LT(relative_l2(velocity(false, 1.3), fixture_["gain.output"]), kModuleTolerance);
  EXPECT_GT(relative_l2(fixture_["gain.output"], fixture_["output"]), 1e-3);
}

TEST_F(PanelSequences, GradientsEqualTheReferences) {
  expect_the_references("", /*lora=*/true);
  expect_the_references("", /*lora=*/false);
  expect_the_references("zero.", /*lora=*/true);
}

TEST_F(PanelSequences, CheckpointingNeverChangesABit) {
  const nn::OneThread alone(at::get_num_threads());  // as a shard of a training is computed
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    const Trained kept = train(true, true, false, dtype);
    const Trained again = train(true, true, true, dtype);
    EXPECT_EQ(kept.loss, again.loss);
    for (const auto& [name, gradient] : kept.gradients) {
      EXPECT_TRUE(at::equal(gradient, again.gradients.at(name))) << name;
    }
  }
}

TEST_F(PanelSequences, MaskedFromEachOtherTheyAreGenerationsOfTheirOwn) {
  const Transformer transformer = transformer_from(kFolder, at::kFloat);
  const Query all = query(false);
  const Context masked = panel_context(transformer.config, boxes(), batch("t5"), batch("clip"), {},
                                       {}, CrossPanel::masked);
  const at::Tensor together = transformer_forward(transformer, all, masked);
  const auto panels = static_cast<int64_t>(boxes().size());
  const int64_t length = batch("t5").size(1) / panels;
  int64_t begin = 0;
  for (int64_t i = 0; i < panels; ++i) {
    const LatentBox box = boxes()[static_cast<size_t>(i)];
    const int64_t end = begin + masked.panel_tokens[static_cast<size_t>(i)];
    const Context alone = {batch("t5").slice(1, i * length, (i + 1) * length),
                           batch("clip").select(1, i),
                           canvas_rope(transformer.config, length, box.height, box.width)};
    const Query one = {all.latents.slice(1, begin, end), all.timestep, all.guidance, {}};
    EXPECT_LT(
        relative_l2(together.slice(1, begin, end), transformer_forward(transformer, one, alone)),
        1e-6)
        << i;
    begin = end;
  }
  // And seen they are not.
  EXPECT_GT(
      relative_l2(together, transformer_forward(transformer, all, context(transformer.config))),
      1e-3);
}

TEST_F(PanelSequences, ThreadsNeverChangeABit) {
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    const Transformer transformer = transformer_from(kFolder, dtype);
    EXPECT_TRUE(testing_support::same_bytes_on_any_thread_count([&] {
      return transformer_forward(transformer, query(true), context(transformer.config, 1.3));
    }));
  }
}

TEST_F(PanelSequences, TokensComeBackToTheirPlacesAndGuttersAreZero) {
  const at::Tensor canvas = pack_latents(batch("latents"));
  const at::Tensor back = to_canvas(to_panels(canvas, order()), order(), canvas.size(1));
  at::Tensor inside = at::zeros({canvas.size(1)}, at::kBool);
  inside.index_fill_(0, order(), true);
  EXPECT_EQ(inside.sum().item<int64_t>(), order().size(0));
  EXPECT_LT(order().size(0), canvas.size(1));
  EXPECT_TRUE(at::equal(back, canvas.masked_fill(inside.logical_not().view({1, -1, 1}), 0)));
}

// The gain on a canvas, against attention with the same bias written as a whole matrix of weights.
TEST(CanvasAttention, AGainMultipliesTheWeightsOfGivenKeysAndOneIsNothing) {
  const std::vector<bool> given = {true, false, false, true, false};
  const int64_t text = 3, length = 8, heads = 2, width = 4;
  EXPECT_TRUE(canvas_attention(text, given, {}).empty());
  const Qkv joint = {testing_support::normal({1, length, heads, width}, 1),
                     testing_support::normal({1, length, heads, width}, 2),
                     testing_support::normal({1, length, heads, width}, 3)};
  const nn::RopeTable still = {at::ones({length, width / 2}), at::zeros({length, width / 2})};
  const at::Tensor ours =
      joint_attention_forward(joint, still, canvas_attention(text, given, {1.3}));
  at::Tensor gains = at::ones({length, length});
  for (int64_t q = 0; q < length; ++q) {
    for (int64_t k = 0; k < length; ++k) {
      const auto is_given = [&](int64_t i) {
        return i >= text && given[static_cast<size_t>(i - text)];
      };
      if (q >= text && !is_given(q) && is_given(k)) gains[q][k] = 1.3;
    }
  }
  const at::Tensor q = joint.q.transpose(1, 2), k = joint.k.transpose(1, 2);
  at::Tensor weights = at::exp(at::matmul(q, k.transpose(2, 3)) / 2.0) * gains;
  weights = weights / weights.sum(-1, true);
  const at::Tensor expected =
      at::matmul(weights, joint.v.transpose(1, 2)).transpose(1, 2).flatten(2);
  EXPECT_LT(relative_l2(ours, expected), 1e-6);
}

}  // namespace
}  // namespace iclora::flux
