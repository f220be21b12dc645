#include "tokenizers/added_vocabulary.h"

#include <algorithm>

#include "core/error.h"

namespace iclora::tokenizers {

AddedVocabulary::AddedVocabulary(const std::vector<StatedToken>& tokens, const Lookup& lookup,
                                 int64_t size, const Normalise& normalise) {
  auto next = static_cast<int32_t>(size);
  for (const StatedToken& stated : tokens) {
    AddedToken token = stated.token;
    if (token.content.empty() || ids_.contains(token.content)) continue;
    token.id = lookup(token.content);
    if (token.id < 0) token.id = next++;
    if (stated.id.has_value() && *stated.id != token.id) {
      fail_input(
          "{}: the added token '{}' has id {}, but by the vocabulary it is {}; the files do not "
          "belong together.",
          stated.origin, printable(token.content), *stated.id, token.id);
    }
    ids_.emplace(token.content, token.id);
    largest_ = std::max(largest_, token.id);
    if (token.normalized) {
      normalised_.add(normalise(token.content), token);
    } else {
      raw_.add(token.content, token);
    }
  }
}

int32_t AddedVocabulary::find(std::string_view content) const {
  const auto found = ids_.find(content);
  return found == ids_.end() ? -1 : found->second;
}

void AddedVocabulary::encode(std::string_view text, const Normalise& normalise,
                             const std::function<void(std::string_view)>& model,
                             std::vector<int32_t>& ids) const {
  for (const Segment& segment : raw_.split(text)) {
    if (segment.id >= 0) {
      ids.push_back(segment.id);
      continue;
    }
    const std::string normal = normalise(segment.text);
    for (const Segment& piece : normalised_.split(normal)) {
      if (piece.id >= 0) {
        ids.push_back(piece.id);
      } else {
        model(piece.text);
      }
    }
  }
}

}  // namespace iclora::tokenizers
