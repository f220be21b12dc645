#include <ATen/ATen.h>
#include <fmt/format.h>

#include "bench/bench.h"
#include "bench/random_weights.h"
#include "nn/attention.h"
#include "nn/linear.h"

namespace iclora::bench {
namespace {

Case gemm_case(int64_t rows, int64_t in, int64_t out, at::ScalarType dtype) {
  const bool bf16 = dtype == at::kBFloat16;
  return {fmt::format("gemm/{}x{}x{}/{}", rows, in, out, bf16 ? "bf16" : "fp32"),
          2.0 * static_cast<double>(rows) * static_cast<double>(in) * static_cast<double>(out),
          bf16, [=] {
            nn::Linear layer;
            layer.weight = random_tensor({out, in}, dtype, 1);
            layer.bias = random_tensor({out}, dtype, 2);
            const at::Tensor x = random_tensor({rows, in}, dtype, 3);
            return [=] { nn::linear_forward(layer, x); };
          }};
}

Case attention_case(int64_t length, int64_t heads, int64_t head_dim, at::ScalarType dtype) {
  const bool bf16 = dtype == at::kBFloat16;
  return {fmt::format("attention/{}x{}x{}/{}", length, heads, head_dim, bf16 ? "bf16" : "fp32"),
          4.0 * static_cast<double>(length) * static_cast<double>(length) *
              static_cast<double>(heads * head_dim),
          bf16, [=] {
            const at::Tensor q = random_tensor({1, length, heads, head_dim}, dtype, 1);
            const at::Tensor k = random_tensor({1, length, heads, head_dim}, dtype, 2);
            const at::Tensor v = random_tensor({1, length, heads, head_dim}, dtype, 3);
            return [=] { nn::attention_forward(q, k, v); };
          }};
}

}  // namespace

std::vector<Case> kernel_cases() {
  std::vector<Case> cases;
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    cases.push_back(gemm_case(192, 192, 768, dtype));     // flux-mini: one panel of tokens and text
    cases.push_back(gemm_case(384, 960, 192, dtype));     // flux-mini: 2x2, out of a single block
    cases.push_back(gemm_case(1536, 3072, 3072, dtype));  // FLUX.1 at 512 x 512
    cases.push_back(attention_case(192, 3, 64, dtype));
    cases.push_back(attention_case(1536, 24, 128, dtype));
  }
  return cases;
}

}  // namespace iclora::bench
