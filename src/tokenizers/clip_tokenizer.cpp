#include "tokenizers/clip_tokenizer.h"

#include <algorithm>
#include <array>

#include "core/error.h"
#include "core/file.h"
#include "tokenizers/tokenizer_files.h"
#include "tokenizers/unicode.h"

namespace iclora::tokenizers {
namespace {

constexpr uint64_t kVocabularyLimit = 64 << 20;
constexpr std::string_view kStart = "<|startoftext|>";
constexpr std::string_view kEnd = "<|endoftext|>";

/// GPT-2's alphabet: each byte as a printable character; those that are not printable in Latin-1
/// stand at U+0100 and above, in order.
std::array<std::string, 256> byte_alphabet() {
  std::array<std::string, 256> alphabet;
  char32_t extra = 0x100;
  for (char32_t byte = 0; byte < 256; ++byte) {
    const bool printable_byte =
        (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    append_utf8(alphabet[byte], printable_byte ? byte : extra++);
  }
  return alphabet;
}

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
std::vector<char32_t> normalise(std::string_view text) {
  const std::vector<char32_t> valid = decode_utf8(text);
  std::vector<char32_t> out;
  for (const char32_t c : decode_utf8(nfc(encode_utf8(valid)))) {
    if (!is_space(c)) {
      out.push_back(c);
    } else if (out.empty() || out.back() != ' ') {
      out.push_back(' ');
    }
  }
  return lowercase(out);
}

Vocabulary vocabulary_from_json(const Json& json, const std::string& origin) {
  if (!json.is_object() || json.empty()) {
    fail_input("{}: the vocabulary must be an object from tokens to ids.", origin);
  }
  Vocabulary vocabulary;
  for (const auto& [token, id] : json.items()) {
    if (!id.is_number_integer() || id < 0 || id > 1 << 24) {
      fail_input("{}: the id of token '{}' must be a whole number from 0 to {}, but is {}.", origin,
                 printable(token), 1 << 24, printable(id.dump(), 40));
    }
    vocabulary.emplace(token, id.get<int32_t>());
  }
  return vocabulary;
}

std::pair<std::string, std::string> merge_from_line(std::string_view line, size_t number,
                                                    const std::string& origin) {
  const size_t space = line.find(' ');
  if (space == std::string_view::npos || space == 0 || space + 1 == line.size() ||
      line.find(' ', space + 1) != std::string_view::npos) {
    fail_input("{}: merge {} must be two tokens with a space between, but is '{}'.", origin, number,
               printable(line));
  }
  return {std::string(line.substr(0, space)), std::string(line.substr(space + 1))};
}

using Merges = std::vector<std::pair<std::string, std::string>>;

Merges merges_from_text(std::string_view text, const std::string& origin) {
  Merges merges;
  size_t number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    ++number;
    if (line.empty() || line.starts_with("#version")) continue;
    merges.push_back(merge_from_line(line, number, origin));
  }
  return merges;
}

Merges merges_from_json(const Json& json, const std::string& origin) {
  if (!json.is_array()) fail_input("{}: 'merges' must be a list.", origin);
  Merges merges;
  for (const Json& entry : json) {
    if (entry.is_string()) {
      merges.push_back(merge_from_line(entry.get<std::string>(), merges.size() + 1, origin));
    } else if (entry.is_array() && entry.size() == 2 && entry[0].is_string() &&
               entry[1].is_string()) {
      merges.emplace_back(entry[0].get<std::string>(), entry[1].get<std::string>());
    } else {
      fail_input("{}: merge {} must be two tokens.", origin, merges.size() + 1);
    }
  }
  return merges;
}

int32_t special_id(const Vocabulary& vocabulary, const AddedTokens& added, std::string_view token,
                   const std::string& origin) {
  if (const AddedToken* found = added.find(token)) return found->id;
  const auto found = vocabulary.find(std::string(token));
  if (found == vocabulary.end()) {
    fail_input("{}: the vocabulary has no token '{}'.", origin, printable(token));
  }
  return found->second;
}

}  // namespace

ClipTokenizer ClipTokenizer::open(const std::filesystem::path& folder) {
  std::error_code ignored;
  const TokenizerConfig config = read_tokenizer_config(folder);
  Vocabulary vocabulary;
  Merges merges;
  AddedTokens added;
  std::string origin;
  if (std::filesystem::exists(folder / "vocab.json", ignored)) {
    origin = "'" + printable((folder / "vocab.json").native(), 400) + "'";
    vocabulary = vocabulary_from_json(read_json(folder / "vocab.json", kVocabularyLimit), origin);
    const std::filesystem::path path = folder / "merges.txt";
    merges = merges_from_text(read_file(path, kVocabularyLimit),
                              "'" + printable(path.native(), 400) + "'");
  } else if (const auto json = read_tokenizer_json(folder)) {
    origin = "'" + printable((folder / "tokenizer.json").native(), 400) + "'";
    const Json& model = (*json)["model"];
    if (json_string_or(model, "type", origin, "BPE") != "BPE" || !model.contains("merges") ||
        !model.contains("vocab")) {
      fail_input("{}: CLIP's tokenizer must be a BPE model with 'vocab' and 'merges'.", origin);
    }
    if (json_string_or(model, "end_of_word_suffix", origin, "") != "</w>") {
      fail_input("{}: 'end_of_word_suffix' must be \"</w>\", as in CLIP's tokenizer.", origin);
    }
    for (const char* key :
         {"dropout", "continuing_subword_prefix", "fuse_unk", "byte_fallback", "ignore_merges"}) {
      refuse_member(model, key, origin);
    }
    vocabulary = vocabulary_from_json(model["vocab"], origin);
    merges = merges_from_json(model["merges"], origin);
    if (const auto list = json->find("added_tokens"); list != json->end()) {
      if (!list->is_array()) fail_input("{}: 'added_tokens' must be a list.", origin);
      for (const Json& token : *list) {
        added.add(added_token_from_json(
            token, json_integer(token, "id", origin + ": added_tokens", 0, 1 << 24), origin));
      }
    }
  } else {
    fail_input(
        "The folder '{}' holds no CLIP tokenizer (vocab.json and merges.txt, or "
        "tokenizer.json).",
        printable(folder.native(), 400));
  }
  for (const AddedToken& token : config.added_tokens) added.add(token);

  const auto named = [](const std::string& stated, std::string_view usual) {
    return stated.empty() ? std::string(usual) : stated;
  };
  const std::string bos = named(config.bos_token, kStart);
  const std::string eos = named(config.eos_token, kEnd);
  const std::string pad = named(config.pad_token, kEnd);
  const int32_t bos_id = special_id(vocabulary, added, bos, origin);
  const int32_t eos_id = special_id(vocabulary, added, eos, origin);
  const int32_t pad_id = special_id(vocabulary, added, pad, origin);
  const int32_t unknown = special_id(vocabulary, added, named(config.unk_token, kEnd), origin);
  for (const auto& [token, id] : {std::pair(bos, bos_id), {eos, eos_id}, {pad, pad_id}}) {
    if (added.find(token) == nullptr) added.add({.content = token, .id = id});
  }
  int32_t largest = std::max({bos_id, eos_id, pad_id});
  for (const auto& [token, id] : vocabulary) largest = std::max(largest, id);

  ClipTokenizer tokenizer(Bpe(std::move(vocabulary), merges, "</w>", unknown, origin));
  tokenizer.added_ = std::move(added);
  tokenizer.bos_ = bos_id;
  tokenizer.eos_ = eos_id;
  tokenizer.pad_ = pad_id;
  tokenizer.model_max_length_ = config.model_max_length.value_or(77);
  tokenizer.vocabulary_size_ = int64_t{largest} + 1;
  return tokenizer;
}

void ClipTokenizer::encode_text(std::string_view text, std::vector<int32_t>& ids) const {
  static const std::array<std::string, 256> alphabet = byte_alphabet();
  for (const auto& word : words_of(normalise(text))) {
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
  for (const Segment& segment : added_.split(text)) {
    if (segment.id >= 0) {
      ids.push_back(segment.id);
    } else {
      encode_text(segment.text, ids);
    }
  }
  ids.push_back(eos_);
  return ids;
}

std::vector<int32_t> ClipTokenizer::encode_padded(std::string_view text, int64_t length) const {
  std::vector<int32_t> ids = encode(text);
  const auto wanted = static_cast<size_t>(std::max<int64_t>(length, 2));
  if (ids.size() > wanted) {
    ids.resize(wanted);
    ids.back() = eos_;
  }
  ids.resize(wanted, pad_);
  return ids;
}

}  // namespace iclora::tokenizers
