#pragma once
// Token ids on their way into an encoder.

#include <ATen/core/Tensor.h>

namespace iclora::text {

/// Throws (exit 2) unless `ids` is int64 [B, L] with L from 1 to `longest` (0: any) and all ids lie
/// in a vocabulary of `vocab_size`. `encoder` is named in the message.
void check_token_ids(const at::Tensor& ids, int64_t vocab_size, int64_t longest,
                     const char* encoder);

}  // namespace iclora::text
