#include "pretrain/guidance.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "runtime/file_weights.h"
#include "sampling/model.h"

namespace iclora::pretrain {
namespace {

TEST(GuidedVelocity, GoesOnFromTheEmptyCaptionThroughTheCaption) {
  const std::string folder = ICLORA_FIXTURES "/models/toy-dev";
  const flux::Config config = sampling::open_model(folder, {}).configs.transformer;
  runtime::FileWeights source(
      weights::Checkpoint::open(std::filesystem::path(folder) / "transformer"));
  const flux::Transformer transformer = flux::load_transformer(source, config, at::kFloat);
  const auto waves = [](at::IntArrayRef shape, double step) {
    int64_t count = 1;
    for (const int64_t size : shape) count *= size;
    return at::arange(count, at::kFloat).mul(step).sin().view(shape);
  };
  const auto context = [&](double step) {
    return flux::Context{waves({2, 5, config.joint_attention_dim}, step),
                         waves({2, config.pooled_projection_dim}, 2 * step),
                         flux::canvas_rope(config, 5, 4, 4)};
  };
  const flux::Query query = {
      waves({2, 4, config.in_channels}, 0.3), at::tensor({0.2F, 0.9F}), at::ones({2}), {}};
  const at::Tensor with = flux::transformer_forward(transformer, query, context(0.7));
  const at::Tensor without = flux::transformer_forward(transformer, query, context(0.1));
  const at::Tensor guided =
      guided_velocity(transformer, query, context(0.7), context(0.1), at::tensor({1.0F, 3.0F}));
  ASSERT_GT((with - without)[1].norm().item<double>(), 1e-3);
  // The same passes, combined in fp32: only the order of two sums may differ.
  EXPECT_TRUE(at::allclose(guided[0], with[0], 1e-5, 1e-5));
  EXPECT_TRUE(at::allclose(guided[1], 3 * with[1] - 2 * without[1], 1e-5, 1e-5));
}

}  // namespace
}  // namespace iclora::pretrain
