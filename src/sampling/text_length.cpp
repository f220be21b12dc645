#include "sampling/text_length.h"

#include <fmt/format.h>

namespace iclora::sampling {

captions::CountTokens token_counter(const OpenModel& model) {
  return [&model](std::string_view text) {
    return static_cast<int64_t>(model.t5_tokenizer->encode(text).size());
  };
}

std::string remedy_for_length(int64_t tokens, int64_t limit, std::string_view them,
                              std::string_view option) {
  if (limit >= kLongestText) return fmt::format("shorten {}.", them);
  if (tokens <= kLongestText)
    return fmt::format("shorten {}, or give {} {}.", them, option, tokens);
  return fmt::format("shorten {}, or give {} {} to have more of {} read.", them, option,
                     kLongestText, them);
}

}  // namespace iclora::sampling
