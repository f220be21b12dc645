#include <ATen/ATen.h>
#include <fmt/format.h>

#include <memory>

#include "bench/bench.h"
#include "bench/random_weights.h"
#include "text/clip.h"
#include "text/t5.h"
#include "vae/autoencoder.h"

namespace iclora::bench {
namespace {

/// flux-mini's text encoders on one prompt.
Case text_case(at::ScalarType dtype) {
  const bool bf16 = dtype == at::kBFloat16;
  text::ClipConfig clip;
  clip.vocab_size = 4096;
  clip.hidden_size = 128;
  clip.intermediate_size = 512;
  clip.num_hidden_layers = 2;
  clip.num_attention_heads = 2;
  text::T5Config t5;
  t5.vocab_size = 4096;
  t5.d_model = 128;
  t5.d_ff = 512;
  t5.num_layers = 2;
  t5.num_heads = 2;
  return {fmt::format("flux-mini/text/{}", bf16 ? "bf16" : "fp32"), 0, bf16, [=] {
            RandomWeights weights;
            const auto first =
                std::make_shared<text::ClipEncoder>(text::load_clip(weights, clip, dtype));
            const auto second =
                std::make_shared<text::T5Encoder>(text::load_t5(weights, t5, dtype));
            const at::Tensor short_ids = at::arange(77, at::kLong).unsqueeze(0);
            const at::Tensor long_ids = at::arange(128, at::kLong).unsqueeze(0);
            return [=] {
              text::clip_forward(*first, short_ids);
              text::t5_forward(*second, long_ids);
            };
          }};
}

/// Decoding one canvas of size x size pixels.
Case decode_case(const char* name, const vae::Config& config, int64_t size, at::ScalarType dtype) {
  const bool bf16 = dtype == at::kBFloat16;
  return {fmt::format("{}/vae_decode/{}x{}/{}", name, size, size, bf16 ? "bf16" : "fp32"), 0, bf16,
          [=] {
            RandomWeights weights;
            const auto decoder =
                std::make_shared<vae::Decoder>(vae::load_decoder(weights, config, dtype));
            const at::Tensor z =
                random_tensor({1, config.latent_channels, size / 8, size / 8}, at::kFloat, 1);
            return [=] { vae::decode(*decoder, z); };
          }};
}

}  // namespace

std::vector<Case> encoder_cases() {
  vae::Config mini;
  mini.block_out_channels = {16, 32, 64, 128};
  mini.layers_per_block = 1;
  mini.norm_num_groups = 16;
  std::vector<Case> cases;
  for (const auto dtype : {at::kBFloat16, at::kFloat}) {
    cases.push_back(text_case(dtype));
    cases.push_back(decode_case("flux-mini", mini, 128, dtype));
    cases.push_back(decode_case("flux-dev", vae::Config(), 256, dtype));
  }
  return cases;
}

}  // namespace iclora::bench
