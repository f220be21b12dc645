#include "tokenizers/clip_tokenizer.h"

#include <algorithm>
#include <array>

#include "core/error.h"
#include "core/file.h"
#include "tokenizers/bpe_files.h"
#include "tokenizers/pipeline_check.h"
#include "tokenizers/tokenizer_files.h"
#include "tokenizers/unicode.h"

namespace iclora::tokenizers {
namespace {

constexpr uint64_t kFileLimit = 64 << 20;
constexpr std::string_view kStart = "<|startoftext|>";
constexpr std::string_view kEnd = "<|endoftext|>";

bool starts_with(const std::vector<char32_t>& text, size_t at, std::string_view word) {
  if (text.size() - at < word.size()) return false;
  return std::equal(word.begin(), word.end(), text.begin() + static_cast<ptrdiff_t>(at),
                    [](char a, char32_t b) { return static_cast<char32_t>(a) == b; });
}

/// Length of the contraction at `at` ('s 't 're 've 'm 'll 'd), 0 if there is none.
size_t contraction(const std::vector<char32_t>& text, size_t at) {
  for (const std::string_view word : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}) {
    if (starts_with(text, at, word)) return word.size();
  }
  return 0;
}

bool is_other(char32_t c) {
  return !is_space(c) && !is_letter(c) && !is_number(c);
}

/// Length of the run from `at` on for which `belongs` holds.
template <typename F>
size_t run(const std::vector<char32_t>& text, size_t at, const F& belongs) {
  size_t end = at;
  while (end < text.size() && belongs(text[end])) ++end;
  return end - at;
}

/// Words of CLIP's pattern: contractions, runs of letters, single numbers, runs of anything else.
std::vector<std::vector<char32_t>> words_of(const std::vector<char32_t>& text) {
  std::vector<std::vector<char32_t>> words;
  const auto take = [&](size_t at, size_t length) {
    words.emplace_back(text.begin() + static_cast<ptrdiff_t>(at),
                       text.begin() + static_cast<ptrdiff_t>(at + length));
    return length;
  };
  size_t at = 0;
  while (at < text.size()) {
    // The pattern names the special tokens; spelt by hand (in capitals, say) they come this far,
    // and the byte level's own pattern then cuts them in three.
    if (starts_with(text, at, kStart) || starts_with(text, at, kEnd)) {
      at += take(at, 2);
      at += take(at, run(text, at, is_letter));
      at += take(at, 2);
    } else if (const size_t length = contraction(text, at); length > 0) {
      at += take(at, length);
    } else if (is_letter(text[at])) {
      at += take(at, run(text, at, is_letter));
    } else if (is_number(text[at])) {
      at += take(at, 1);
    } else if (is_other(text[at])) {
      at += take(at, run(text, at, is_other));
    } else {
      ++at;
    }
  }
  return words;
}

/// NFC, white space to single spaces, lower case.
std::string normalise(std::string_view text) {
  std::vector<char32_t> out;
  for (const char32_t c : decode_utf8(nfc(std::string(text)))) {
    if (!is_space(c)) {
      out.push_back(c);
    } else if (out.empty() || out.back() != ' ') {
      out.push_back(' ');
    }
  }
  return encode_utf8(lowercase(out));
}

struct Parts {
  Vocabulary vocabulary;
  Merges merges;
  std::string origin;
  std::optional<Json> json;  ///< tokenizer.json without its vocabulary
};

Parts parts_from_json(const std::filesystem::path& folder) {
  const std::string origin = origin_of(folder, "tokenizer.json");
  BpeJson file = read_bpe_json(folder / "tokenizer.json", {"model", "vocab"});
  const Json& model = file.rest["model"];
  if (json_string_or(model, "type", origin, "BPE") != "BPE" || !model.contains("merges")) {
    fail_input("{}: CLIP's tokenizer must be a BPE model with 'vocab' and 'merges'.", origin);
  }
  if (json_string_or(model, "end_of_word_suffix", origin, "") != "</w>") {
    fail_input("{}: 'end_of_word_suffix' must be \"</w>\", as in CLIP's tokenizer.", origin);
  }
  for (const char* key :
       {"dropout", "continuing_subword_prefix", "fuse_unk", "byte_fallback", "ignore_merges"}) {
    refuse_member(model, key, origin);
  }
  check_clip_pipeline(file.rest, origin);
  return {std::move(file.vocabulary), merges_from_json(model["merges"], origin), origin,
          std::move(file.rest)};
}

Parts parts_from_texts(const std::filesystem::path& folder) {
  Parts parts;
  parts.origin = origin_of(folder, "vocab.json");
  parts.vocabulary = read_bpe_json(folder / "vocab.json", {}).vocabulary;
  parts.merges = merges_from_text(read_file(folder / "merges.txt", kFileLimit),
                                  origin_of(folder, "merges.txt"));
  return parts;
}

}  // namespace

ClipTokenizer ClipTokenizer::open(const std::filesystem::path& folder) {
  Parts parts;
  if (has_file(folder, "tokenizer.json")) {
    parts = parts_from_json(folder);
  } else if (has_file(folder, "vocab.json")) {
    parts = parts_from_texts(folder);
  } else {
    fail_input(
        "The folder '{}' holds no CLIP tokenizer (tokenizer.json, or vocab.json and merges.txt).",
        printable(folder.native(), 400));
  }
  const TokenizerConfig config =
      read_tokenizer_config(folder, parts.json.has_value() ? &*parts.json : nullptr);
  const auto named = [](const std::string& stated, std::string_view usual) {
    return stated.empty() ? std::string(usual) : stated;
  };
  const std::string bos = named(config.bos_token, kStart);
  const std::string eos = named(config.eos_token, kEnd);
  const std::string pad = named(config.pad_token, kEnd);
  const std::string unknown = named(config.unk_token, kEnd);

  const auto lookup = [&](std::string_view token) {
    const auto found = parts.vocabulary.find(std::string(token));
    return found == parts.vocabulary.end() ? -1 : found->second;
  };
  std::vector<StatedToken> tokens = config.tokens;
  for (const std::string& name : {bos, eos, unknown, pad}) {
    tokens.push_back({{.content = name}, std::nullopt, parts.origin});
  }
  if (config.extra_tokens.has_value()) {
    tokens.insert(tokens.end(), config.extra_tokens->begin(), config.extra_tokens->end());
  }
  const auto size = static_cast<int64_t>(parts.vocabulary.size());
  AddedVocabulary added(tokens, lookup, size, normalise);
  for (const std::string& name : {bos, eos, pad, unknown}) {
    const auto states = [&](const StatedToken& token) {
      return token.id.has_value() && token.token.content == name;
    };
    if (lookup(name) < 0 && std::none_of(config.tokens.begin(), config.tokens.end(), states)) {
      fail_input("{}: the vocabulary has no token '{}'.", parts.origin, printable(name));
    }
  }
  int32_t largest = added.largest_id();
  for (const auto& [token, id] : parts.vocabulary) largest = std::max(largest, id);
  const int32_t unknown_id = added.find(unknown);

  ClipTokenizer tokenizer(
      Bpe(std::move(parts.vocabulary), parts.merges, "</w>", unknown_id, parts.origin));
  tokenizer.bos_ = added.find(bos);
  tokenizer.eos_ = added.find(eos);
  tokenizer.pad_ = added.find(pad);
  tokenizer.added_ = std::move(added);
  tokenizer.sides_ = config.sides;
  tokenizer.model_max_length_ = config.model_max_length.value_or(77);
  tokenizer.vocabulary_size_ = int64_t{largest} + 1;
  return tokenizer;
}

void ClipTokenizer::encode_text(std::string_view text, std::vector<int32_t>& ids) const {
  static const std::array<std::string, 256> alphabet = byte_alphabet();
  for (const auto& word : words_of(decode_utf8(text))) {
    std::vector<std::string> symbols;
    for (const char byte : encode_utf8(word)) {
      symbols.push_back(alphabet[static_cast<unsigned char>(byte)]);
    }
    const std::vector<int32_t> part = bpe_.encode(symbols);
    ids.insert(ids.end(), part.begin(), part.end());
  }
}

std::vector<int32_t> ClipTokenizer::encode(std::string_view text) const {
  std::vector<int32_t> ids = {bos_};
  added_.encode(
      encode_utf8(decode_utf8(text)), normalise,
      [&](std::string_view piece) { encode_text(piece, ids); }, ids);
  ids.push_back(eos_);
  return ids;
}

std::vector<int32_t> ClipTokenizer::encode_padded(std::string_view text, int64_t length) const {
  return fit_to_length(encode(text), length, 1, pad_, sides_);
}

}  // namespace iclora::tokenizers
