#pragma once
// What tokenizer.json says about normalisation and words, held against what is implemented. The
// reference's CLIPTokenizer and T5TokenizerFast read the vocabulary and the character map from the
// file and have fixed rules for the rest; the published files state these or their forerunners.

#include <string>

#include "core/json.h"

namespace iclora::tokenizers {

/// NFC, white space to single spaces, lower case; CLIP's words, then bytes. Error (exit 2) where
/// the file states something else.
void check_clip_pipeline(const Json& json, const std::string& origin);

/// The precompiled character map (returned in base64, empty where there is none), alone or followed
/// by the clean-up of spaces that the rules for words contain; words at white space, each behind
/// the mark U+2581. Error (exit 2) where the file states something else.
std::string check_t5_pipeline(const Json& json, const std::string& origin);

}  // namespace iclora::tokenizers
