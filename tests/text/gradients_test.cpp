// The encoders under autograd, as pre-training uses them, against differences.

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include "runtime/file_weights.h"
#include "text/clip.h"
#include "text/t5.h"
#include "text/weights.h"
#include "weights/model_folder.h"

namespace iclora::text {
namespace {

const weights::ModelFolder& folder() {
  static const auto* const kFolder =
      new weights::ModelFolder(weights::open_model_folder(ICLORA_FIXTURES "/models/toy-dev"));
  return *kFolder;
}

at::Tensor ids(int64_t vocabulary) {
  return at::arange(2 * 9, at::kLong).mul(7).remainder(vocabulary).view({2, 9});
}

/// Every weight's gradient of `loss` along one direction, against the central difference.
template <typename Encoder, typename Loss>
void check_gradients(Encoder& encoder, const Loss& loss) {
  std::vector<std::pair<std::string, at::Tensor*>> places;
  for_each_weight(encoder, [&](const std::string& name, at::Tensor& weight) {
    weight = weight.to(at::kFloat).clone();
    places.emplace_back(name, &weight);
  });
  // All at once, as a training has them.
  std::vector<at::Tensor> leaves;
  for (const auto& [name, place] : places) {
    leaves.push_back(place->detach().requires_grad_(true));
    *place = leaves.back();
  }
  {
    const c10::AutoGradMode record(true);
    loss().backward();
  }
  for (size_t i = 0; i < places.size(); ++i) *places[i].second = leaves[i].detach();
  for (size_t i = 0; i < places.size(); ++i) {
    const std::string& name = places[i].first;
    at::Tensor* place = places[i].second;  // no binding: clang-14 captures none
    const at::Tensor value = *place;
    const at::Tensor direction =
        at::arange(value.numel(), at::kFloat).mul(1.7).sin().view(value.sizes()) *
        (value.abs().mean() + 0.05);
    ASSERT_TRUE(leaves[i].grad().defined()) << name;
    const double along = (leaves[i].grad() * direction).sum().template item<double>();
    constexpr double kStep = 1e-2;
    const auto at_distance = [&](double distance) {
      const c10::NoGradGuard no_grad;
      *place = value + distance * direction;
      return loss().template item<double>();
    };
    const double difference = (at_distance(kStep) - at_distance(-kStep)) / (2 * kStep);
    *place = value;
    // Single precision and a third-order term: a few thousandths of the larger ones.
    EXPECT_NEAR(along, difference, 2e-2 * std::abs(difference) + 2e-3) << name;
  }
}

TEST(TextGradients, OfT5EqualDifferences) {
  const T5Config config = t5_config_from_json(folder().text_encoder_2.config, "config");
  runtime::FileWeights source(weights::Checkpoint::open(folder().text_encoder_2.folder));
  T5Encoder encoder = load_t5(source, config, at::kFloat);
  const at::Tensor tokens = ids(config.vocab_size);
  const at::Tensor towards =
      at::arange(2 * 9 * config.d_model, at::kFloat).mul(0.37).cos().view({2, 9, config.d_model});
  check_gradients(encoder, [&] { return (t5_forward(encoder, tokens) * towards).sum(); });
}

TEST(TextGradients, OfClipEqualDifferences) {
  const ClipConfig config = clip_config_from_json(folder().text_encoder.config, "config");
  runtime::FileWeights source(weights::Checkpoint::open(folder().text_encoder.folder),
                              {{"text_model.", ""}});
  ClipEncoder encoder = load_clip(source, config, at::kFloat);
  const at::Tensor tokens = ids(config.vocab_size);
  const at::Tensor towards =
      at::arange(2 * config.hidden_size, at::kFloat).mul(0.37).cos().view({2, config.hidden_size});
  check_gradients(encoder, [&] { return (clip_forward(encoder, tokens).pooled * towards).sum(); });
}

}  // namespace
}  // namespace iclora::text
