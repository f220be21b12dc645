#pragma once
// sentencepiece's model file (`spiece.model`): a protocol-buffer message, of which the pieces, the
// kind of model and the character map are read.

#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/unigram.h"

namespace iclora::tokenizers {

struct SentencePieceModel {
  std::vector<Piece> pieces;
  int64_t unknown = 0;             ///< trainer_spec.unk_id
  std::vector<std::string> added;  ///< control and user-defined pieces, by id
  std::string charsmap;            ///< normalizer_spec.precompiled_charsmap
};

/// Errors (exit 2) name `origin` and what is wrong: a damaged message, another kind of model, byte
/// fallback.
SentencePieceModel parse_spiece(std::string_view bytes, const std::string& origin);

}  // namespace iclora::tokenizers
