#include <gtest/gtest.h>

#include "fixtures.h"
#include "runtime/file_weights.h"
#include "tensors.h"
#include "text/clip.h"

namespace iclora::text {
namespace {

using testing_support::Fixture;
using testing_support::relative_l2;

// The bound for a module in fp32.
constexpr double kModuleTolerance = 1e-5;
// The bound in bf16: this times the error that the reference makes there.
constexpr double kRoundedFactor = 1.5;

ClipConfig config_of(const std::string& folder) {
  return clip_config_from_json(read_json(folder + "/config.json"), "config.json");
}

ClipEncoder load(const std::string& folder, at::ScalarType dtype) {
  runtime::FileWeights source(weights::Checkpoint::open(folder + "/model.safetensors"),
                              {{"text_model.", ""}});
  return load_clip(source, config_of(folder), dtype);
}

const std::string kOdd = ICLORA_FIXTURES "/text/clip";

TEST(Clip, EqualsTheReferenceOnBatchesAndEveryEndPosition) {
  Fixture fixture("text/clip/expected.safetensors");
  const ClipEncoder encoder = load(kOdd, at::kFloat);
  const ClipStates out = clip_forward(encoder, fixture["ids"]);
  EXPECT_LT(relative_l2(out.hidden, fixture["hidden"]), kModuleTolerance);
  for (int64_t row = 0; row < 4; ++row) {
    EXPECT_LT(relative_l2(out.pooled[row], fixture["pooled"][row]), kModuleTolerance) << row;
  }
  const ClipStates fewer = clip_forward(encoder, fixture["ids"].slice(0, 0, 2).slice(1, 0, 7));
  EXPECT_LT(relative_l2(fewer.hidden, fixture["short.hidden"]), kModuleTolerance);
  EXPECT_LT(relative_l2(fewer.pooled, fixture["short.pooled"]), kModuleTolerance);
}

TEST(Clip, BatchesAreNoFurtherFromFp32InBf16ThanTheReference) {
  Fixture fixture("text/clip/expected.safetensors");
  const ClipStates out = clip_forward(load(kOdd, at::kBFloat16), fixture["ids"]);
  EXPECT_LT(relative_l2(out.hidden, fixture["hidden"]),
            kRoundedFactor * relative_l2(fixture["hidden.bf16"], fixture["hidden"]));
}

TEST(Clip, AttendsToWhatCameBeforeOnly) {
  Fixture fixture("text/clip/expected.safetensors");
  const ClipEncoder encoder = load(kOdd, at::kFloat);
  at::Tensor ids = fixture["ids"];
  const at::Tensor before = clip_forward(encoder, ids).hidden;
  ids.select(1, 8).fill_(3);
  const at::Tensor after = clip_forward(encoder, ids).hidden;
  EXPECT_TRUE(at::equal(before.slice(1, 0, 8), after.slice(1, 0, 8)));
  EXPECT_GT(relative_l2(after.slice(1, 8), before.slice(1, 8)), 0.01);
}

// A later training from nothing differentiates the same forward.
TEST(Clip, GradientsReachEveryWeight) {
  struct Recorder final : nn::WeightSource {
    explicit Recorder(nn::WeightSource& source) : inner(source) {}
    bool contains(std::string_view name) const override { return inner.contains(name); }
    at::Tensor get(std::string_view name, const std::vector<int64_t>& shape,
                   at::ScalarType dtype) override {
      given.push_back(inner.get(name, shape, dtype).clone().set_requires_grad(true));
      return given.back();
    }
    nn::WeightSource& inner;
    std::vector<at::Tensor> given;
  };
  Fixture fixture("text/clip/expected.safetensors");
  runtime::FileWeights source(weights::Checkpoint::open(kOdd + "/model.safetensors"));
  Recorder recorder(source);
  const ClipEncoder encoder = load_clip(recorder, config_of(kOdd), at::kFloat);
  const ClipStates out = clip_forward(encoder, fixture["ids"]);
  (out.hidden.square().mean() + out.pooled.square().mean()).backward();
  EXPECT_EQ(recorder.given.size(), parameters(config_of(kOdd)).size());
  for (const at::Tensor& weight : recorder.given) EXPECT_TRUE(weight.grad().defined());
}

}  // namespace
}  // namespace iclora::text
