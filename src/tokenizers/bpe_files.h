#pragma once
// The vocabulary and the merges of a BPE model, as their files have them.

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json.h"
#include "tokenizers/bpe.h"

namespace iclora::tokenizers {

using Merges = std::vector<std::pair<std::string, std::string>>;

/// A JSON file with a vocabulary in it: an object from tokens to ids.
struct BpeJson {
  Vocabulary vocabulary;
  Json rest;  ///< the file without its vocabulary
};

/// Reads `path`, whose vocabulary stands under `where` ({} for the whole file, {"model", "vocab"}).
/// Errors (exit 2) name the file and the token: ids that are not whole numbers from 0 to 2^24, two
/// tokens with one id, no token at all.
BpeJson read_bpe_json(const std::filesystem::path& path, const std::vector<std::string>& where);

/// merges.txt: two tokens a line; lines that start with "#version" are skipped.
Merges merges_from_text(std::string_view text, const std::string& origin);

/// A list of "a b" or ["a", "b"].
Merges merges_from_json(const Json& json, const std::string& origin);

}  // namespace iclora::tokenizers
