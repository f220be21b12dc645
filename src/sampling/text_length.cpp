#include "sampling/text_length.h"

namespace iclora::sampling {

captions::CountTokens token_counter(const OpenModel& model) {
  return [&model](std::string_view text) {
    return static_cast<int64_t>(model.t5_tokenizer->encode(text).size());
  };
}

}  // namespace iclora::sampling
