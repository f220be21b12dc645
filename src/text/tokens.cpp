#include "text/tokens.h"

#include <ATen/ATen.h>

#include "core/error.h"

namespace iclora::text {

void check_token_ids(const at::Tensor& ids, int64_t vocab_size, int64_t longest,
                     const char* encoder) {
  if (ids.dim() != 2 || ids.scalar_type() != at::kLong || ids.numel() == 0) {
    fail(ErrorKind::internal, "The {} text encoder was given ids that are not int64 [B, L].",
         encoder);
  }
  if (longest != 0 && ids.size(1) > longest) {
    fail_input("The {} text encoder takes at most {} tokens, but was given {}.", encoder, longest,
               ids.size(1));
  }
  const auto lowest = ids.min().item<int64_t>();
  const auto highest = ids.max().item<int64_t>();
  if (lowest < 0 || highest >= vocab_size) {
    fail_input(
        "The {} tokenizer gave the token id {}, but its text encoder has {} embeddings; the "
        "tokenizer and the encoder belong to different models.",
        encoder, lowest < 0 ? lowest : highest, vocab_size);
  }
}

}  // namespace iclora::text
