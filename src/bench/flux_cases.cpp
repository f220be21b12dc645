#include <ATen/ATen.h>
#include <fmt/format.h>

#include <memory>

#include "bench/bench.h"
#include "bench/mini.h"
#include "bench/random_weights.h"
#include "flux/transformer.h"

namespace iclora::bench {
flux::Config mini_config() {
  flux::Config config;
  config.num_layers = 3;
  config.num_single_layers = 6;
  config.attention_head_dim = 64;
  config.num_attention_heads = 3;
  config.joint_attention_dim = 128;
  config.pooled_projection_dim = 128;
  config.axes_dims_rope = {8, 28, 28};
  return config;
}

double forward_flop(const flux::Config& config, int64_t text, int64_t image) {
  const auto width = static_cast<double>(config.width());
  const auto length = static_cast<double>(text + image);
  const auto blocks = static_cast<double>(config.num_layers + config.num_single_layers);
  // 24 L D^2 of linears and 4 L^2 D of attention a block, double or single alike.
  return blocks * (24 * length * width * width + 4 * length * length * width) +
         2 * static_cast<double>(image) * width * 2 * static_cast<double>(config.in_channels) +
         2 * static_cast<double>(text) * width * static_cast<double>(config.joint_attention_dim);
}

namespace {

Case sample_step_case(const char* grid, int64_t h, int64_t w, at::ScalarType dtype) {
  const flux::Config config = mini_config();
  constexpr int64_t text = 128;
  const bool bf16 = dtype == at::kBFloat16;
  return {fmt::format("flux-mini/sample_step/{}{}", grid, bf16 ? "" : "/fp32"),
          forward_flop(config, text, h / 2 * (w / 2)), bf16, [=] {
            RandomWeights weights;
            const auto model =
                std::make_shared<flux::Transformer>(flux::load_transformer(weights, config, dtype));
            const flux::Context context = {
                random_tensor({1, text, config.joint_attention_dim}, dtype, 1),
                random_tensor({1, config.pooled_projection_dim}, dtype, 2),
                flux::canvas_rope(config, text, h, w)};
            const at::Tensor latents =
                random_tensor({1, h / 2 * (w / 2), config.in_channels}, at::kFloat, 3);
            const at::Tensor timestep = at::full({1}, 0.5, at::kFloat);
            const at::Tensor guidance = at::full({1}, 3.5, at::kFloat);
            const flux::Query query = {latents, timestep, guidance, {}};
            return [=] { flux::transformer_forward(*model, query, context); };
          }};
}

/// One block of FLUX.1-dev at 512 x 512 with 512 text tokens.
Case block_case(bool single, at::ScalarType dtype) {
  flux::Config config;
  config.num_layers = single ? 0 : 1;
  config.num_single_layers = single ? 1 : 0;
  constexpr int64_t text = 512;
  constexpr int64_t side = 64;
  constexpr int64_t image = side / 2 * (side / 2);
  const auto width = static_cast<double>(config.width());
  const double length = text + image;
  return {
      fmt::format("flux-dev/{}_block/512x512/{}", single ? "single" : "double",
                  dtype == at::kBFloat16 ? "bf16" : "fp32"),
      24 * length * width * width + 4 * length * length * width, dtype == at::kBFloat16,
      [=]() -> std::function<void()> {
        RandomWeights weights;
        const nn::RopeTable rope = flux::canvas_rope(config, text, side, side);
        const flux::Condition condition = {random_tensor({1, config.width()}, dtype, 1), {}, {}};
        const at::Tensor words = random_tensor({1, text, config.width()}, dtype, 2);
        const at::Tensor picture = random_tensor({1, image, config.width()}, dtype, 3);
        if (single) {
          const auto block = std::make_shared<flux::SingleBlock>(
              flux::load_single_block(weights, "single_transformer_blocks.0", config, dtype));
          const at::Tensor x = at::cat({words, picture}, 1);
          return [=] { flux::single_block_forward(*block, x, text, condition, rope); };
        }
        const auto block = std::make_shared<flux::DoubleBlock>(
            flux::load_double_block(weights, "transformer_blocks.0", config, dtype));
        return [=] { flux::double_block_forward(*block, {picture, words}, condition, rope); };
      }};
}

}  // namespace

std::vector<Case> flux_cases() {
  std::vector<Case> cases;
  cases.push_back(sample_step_case("1x1", 8, 8, at::kBFloat16));
  cases.push_back(sample_step_case("1x1", 8, 8, at::kFloat));
  cases.push_back(sample_step_case("3x1", 24, 8, at::kBFloat16));
  cases.push_back(sample_step_case("2x2", 16, 16, at::kBFloat16));
  cases.push_back(sample_step_case("2x2", 16, 16, at::kFloat));
  for (const bool single : {false, true}) {
    cases.push_back(block_case(single, at::kBFloat16));
    cases.push_back(block_case(single, at::kFloat));
  }
  return cases;
}

}  // namespace iclora::bench
