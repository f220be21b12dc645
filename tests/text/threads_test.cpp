#include <gtest/gtest.h>

#include "random_weights.h"
#include "tensors.h"
#include "text/clip.h"
#include "text/t5.h"

namespace iclora::text {
namespace {

using testing_support::RandomWeights;
using testing_support::same_bytes_on_any_thread_count;

at::Tensor ids_of(int64_t batch, int64_t length, int64_t vocabulary) {
  return at::arange(batch * length, at::kLong).mul(7).remainder(vocabulary).view({batch, length});
}

// Widths, heads and lengths for which libtorch takes different ways: odd ones, one head, few
// tokens.

TEST(TextThreads, NeverChangeAByteOfClip) {
  for (const auto& [heads, head_width, ff] :
       {std::tuple{1, 21, 33}, {1, 64, 128}, {3, 7, 50}, {4, 32, 256}, {2, 20, 72}}) {
    ClipConfig config;
    config.vocab_size = 99;
    config.hidden_size = heads * head_width;
    config.intermediate_size = ff;
    config.num_hidden_layers = 2;
    config.num_attention_heads = heads;
    for (const auto dtype : {at::kFloat, at::kBFloat16}) {
      RandomWeights source;
      const ClipEncoder encoder = load_clip(source, config, dtype);
      for (const int64_t length : {1, 5, 17, 33, 77}) {
        for (const int64_t batch : {1, 2}) {
          const at::Tensor ids = ids_of(batch, length, config.vocab_size);
          EXPECT_TRUE(same_bytes_on_any_thread_count([&] {
            return clip_forward(encoder, ids).hidden;
          })) << heads
              << " heads of " << head_width << ", " << batch << " x " << length << ", " << dtype;
        }
      }
    }
  }
}

TEST(TextThreads, NeverChangeAByteOfT5) {
  for (const auto& [width, heads, head_width, ff] :
       {std::tuple{21, 1, 19, 33}, {64, 1, 64, 128}, {50, 3, 7, 100}, {128, 4, 32, 256}}) {
    T5Config config;
    config.vocab_size = 99;
    config.d_model = width;
    config.d_kv = head_width;
    config.d_ff = ff;
    config.num_layers = 2;
    config.num_heads = heads;
    for (const auto dtype : {at::kFloat, at::kBFloat16}) {
      RandomWeights source;
      const T5Encoder encoder = load_t5(source, config, dtype);
      for (const int64_t length : {1, 5, 31, 130}) {
        for (const int64_t batch : {1, 2}) {
          const at::Tensor ids = ids_of(batch, length, config.vocab_size);
          EXPECT_TRUE(same_bytes_on_any_thread_count([&] { return t5_forward(encoder, ids); }))
              << heads << " heads of " << head_width << ", " << batch << " x " << length << ", "
              << dtype;
        }
      }
    }
  }
}

}  // namespace
}  // namespace iclora::text
