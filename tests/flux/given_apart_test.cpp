// Given tokens that see only each other, against diffusers' blocks under a mask
// (tools/reference/dump_apart.py): all tokens in one pass, and with the given ones computed once.

#include <gtest/gtest.h>

#include "fixtures.h"
#include "flux/latents.h"
#include "flux/token_order.h"
#include "latent_boxes.h"
#include "nn/one_thread.h"
#include "tensors.h"
#include "trained.h"

namespace iclora::flux {
namespace {

using testing_support::Fixture;
using testing_support::give_slots;
using testing_support::relative_l2;
using testing_support::transformer_from;

// As for the other modules: fp32 sums in another order.
constexpr double kModuleTolerance = 1e-5;

const std::string kFolder = ICLORA_FIXTURES "/models/toy-dev/transformer";

/// One sample of the fixture, `kind` "canvas." or "gdt.".
struct Sample {
  Sample(Fixture& fixture, const std::string& kind, int64_t number)
      : order(boxes(fixture, kind), fixture[kind + "batch.latents"].size(2),
              fixture[kind + "batch.latents"].size(3)) {
    const auto batch = [&](const char* name) {
      return fixture[kind + "batch." + name].slice(0, number, number + 1);
    };
    text = batch("t5");
    pooled = batch("clip");
    t = batch("t");
    clean = order.tokens_of(batch("latents"));
    const at::Tensor at_t = t.view({1, 1, 1});
    noisy = (1 - at_t) * clean + at_t * order.tokens_of(batch("noise"));
    if (kind == "canvas.") {
      given = order.tokens_of(batch("given").unsqueeze(1)).amax(-1)[0] > 0;
    } else {
      // The first two panels.
      const at::Tensor stored = fixture["gdt.boxes"];
      const int64_t tokens = (stored.slice(1, 2).prod(1) / 4).slice(0, 0, 2).sum().item<int64_t>();
      given = at::arange(clean.size(1)) < tokens;
    }
    output = fixture[kind + "output"].slice(0, number, number + 1);
  }

  static std::vector<LatentBox> boxes(Fixture& fixture, const std::string& kind) {
    if (kind == "canvas.") return {};
    return testing_support::latent_boxes(fixture, "gdt.boxes");
  }

  at::Tensor in_one_pass(const Transformer& transformer, double gain) const {
    const at::Tensor mask = given.unsqueeze(0);
    return transformer_forward(
        transformer, {at::where(mask.unsqueeze(-1), clean, noisy), t, at::ones_like(t), mask},
        order.context(transformer.config, text, pooled, {given, {gain, GivenSees::given}}));
  }

  /// Of the tokens that are not given.
  at::Tensor beside(const Transformer& transformer, double gain) const {
    ApartContexts contexts = order.apart_contexts(transformer.config, text, pooled, given, gain);
    contexts.targets.given_keys =
        given_keys_forward(transformer, clean.index_select(1, given.nonzero().flatten()),
                           at::ones_like(t), contexts.given);
    return transformer_forward(
        transformer, {noisy.index_select(1, targets()), t, at::ones_like(t), {}}, contexts.targets);
  }

  at::Tensor targets() const { return given.logical_not().nonzero().flatten(); }

  TokenOrder order;
  at::Tensor text, pooled, t, clean, noisy, given, output;
};

class GivenApart : public testing::Test {
 protected:
  Fixture fixture_{"training/apart.safetensors"};
  Fixture init_{"training/init_lora.safetensors"};

  Transformer transformer(at::ScalarType dtype = at::kFloat) {
    Transformer out = transformer_from(kFolder, dtype);
    give_slots(out, &init_);
    return out;
  }
  at::Tensor with_gain(int64_t number) {
    return fixture_["canvas.gain.output"].slice(0, number, number + 1);
  }
};

TEST_F(GivenApart, InOnePassEqualsTheReference) {
  const Transformer model = transformer();
  for (int64_t i = 0; i < 3; ++i) {  // nothing is given in the third
    const Sample sample(fixture_, "canvas.", i);
    EXPECT_LT(relative_l2(sample.in_one_pass(model, 1), sample.output), kModuleTolerance) << i;
    EXPECT_LT(relative_l2(sample.in_one_pass(model, 1.3), with_gain(i)), kModuleTolerance) << i;
  }
  for (int64_t i = 0; i < 2; ++i) {
    const Sample sample(fixture_, "gdt.", i);
    EXPECT_LT(relative_l2(sample.in_one_pass(model, 1), sample.output), kModuleTolerance) << i;
  }
  EXPECT_GT(relative_l2(with_gain(0), Sample(fixture_, "canvas.", 0).output), 1e-3);
}

TEST_F(GivenApart, ComputedOnceTheyAreWhatTheyAreAtEveryStep) {
  const Transformer model = transformer();
  for (const std::string kind : {"canvas.", "gdt."}) {
    for (int64_t i = 0; i < 2; ++i) {
      const Sample sample(fixture_, kind, i);
      const auto drawn = [&](const at::Tensor& all) {
        return all.index_select(1, sample.targets());
      };
      EXPECT_LT(relative_l2(sample.beside(model, 1), drawn(sample.output)), kModuleTolerance)
          << kind << i;
      const at::Tensor gained = kind == "canvas." ? with_gain(i) : sample.in_one_pass(model, 1.3);
      EXPECT_LT(relative_l2(sample.beside(model, 1.3), drawn(gained)), kModuleTolerance)
          << kind << i;
      EXPECT_GT(relative_l2(drawn(gained), drawn(sample.output)), 1e-3) << kind << i;
    }
  }
}

// What is computed at another step of other noise: none of it reaches the given tokens.
TEST_F(GivenApart, NothingElseReachesThem) {
  const Transformer model = transformer();
  for (const std::string kind : {"canvas.", "gdt."}) {
    Sample sample(fixture_, kind, 0);
    const auto of_given = [&] {
      return sample.in_one_pass(model, 1).index_select(1, sample.given.nonzero().flatten());
    };
    const at::Tensor before = of_given();
    sample.noisy = testing_support::normal(sample.noisy.sizes(), 7);
    sample.text = testing_support::normal(sample.text.sizes(), 8);
    sample.t = at::full({1}, 0.9);
    EXPECT_TRUE(at::equal(of_given(), before)) << kind;
    // Where they see everything it does.
    const at::Tensor mask = sample.given.unsqueeze(0);
    const at::Tensor all = transformer_forward(
        model,
        {at::where(mask.unsqueeze(-1), sample.clean, sample.noisy), sample.t,
         at::ones_like(sample.t), mask},
        sample.order.context(model.config, sample.text, sample.pooled, {sample.given}));
    EXPECT_GT(relative_l2(all.index_select(1, sample.given.nonzero().flatten()), before), 1e-3);
  }
}

TEST_F(GivenApart, ThreadsNeverChangeABit) {
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    const Transformer model = transformer(dtype);
    for (const std::string kind : {"canvas.", "gdt."}) {
      const Sample sample(fixture_, kind, 1);
      EXPECT_TRUE(testing_support::same_bytes_on_any_thread_count(
          [&] { return sample.beside(model, 1.3); }));
    }
  }
}

}  // namespace
}  // namespace iclora::flux
