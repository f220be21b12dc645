#include <gtest/gtest.h>

#include "flux/transformer.h"
#include "random_weights.h"
#include "tensors.h"

namespace iclora::flux {
namespace {

using testing_support::normal;
using testing_support::RandomWeights;
using testing_support::same_bytes_on_any_thread_count;

// Odd widths, one head, few tokens: libtorch takes other ways for them. A LoRA of rank 20 beside.
TEST(FluxThreads, NeverChangeAByte) {
  for (const auto& [heads, axes] :
       {std::pair{1, std::vector<int64_t>{2, 4, 4}}, {1, {8, 28, 28}}, {3, {2, 6, 6}}}) {
    Config config;
    config.num_layers = 1;
    config.num_single_layers = 2;
    config.num_attention_heads = heads;
    config.axes_dims_rope = axes;
    config.attention_head_dim = axes[0] + axes[1] + axes[2];
    config.joint_attention_dim = 40;
    config.pooled_projection_dim = 24;
    for (const auto dtype : {at::kFloat, at::kBFloat16}) {
      RandomWeights source;
      Transformer transformer = load_transformer(source, config, dtype);
      for_each_linear(transformer, [&](nn::Linear& layer) {
        nn::LoraPair pair;
        pair.a = (0.1 * normal({20, layer.in_features()}, 5)).to(dtype);
        pair.b = (0.1 * normal({layer.out_features(), 20}, 6)).to(dtype);
        layer.adapters.push_back(pair);
      });
      for (const auto& [batch, h, w, text] :
           {std::tuple<int64_t, int64_t, int64_t, int64_t>{1, 2, 2, 1},
            {2, 4, 6, 16},
            {1, 16, 12, 40}}) {
        const Query query{normal({batch, h / 2 * (w / 2), 64}, 1),
                          at::full({batch}, 0.7F),
                          at::full({batch}, 3.5F),
                          {}};
        const Context context{normal({batch, text, 40}, 2), normal({batch, 24}, 3),
                              canvas_rope(config, text, h, w)};
        EXPECT_TRUE(same_bytes_on_any_thread_count([&] {
          return transformer_forward(transformer, query, context);
        })) << heads
            << " heads of " << config.attention_head_dim << ", " << batch << " x " << h << " x "
            << w << " under " << text << ", " << dtype;
      }
    }
  }
}

}  // namespace
}  // namespace iclora::flux
