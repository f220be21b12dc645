#include "tokenizers/t5_tokenizer.h"

#include <algorithm>

#include "core/error.h"
#include "core/file.h"
#include "tokenizers/spiece.h"
#include "tokenizers/tokenizer_files.h"
#include "tokenizers/unicode.h"

namespace iclora::tokenizers {
namespace {

constexpr uint64_t kModelLimit = 64 << 20;
constexpr std::string_view kSpace = "\u2581";  // the character that stands for a space

struct Parts {
  std::vector<Piece> pieces;
  int64_t unknown = 2;
  Charsmap charsmap;
  std::vector<AddedToken> added;
  std::string origin;
};

/// What the normalizer may be: nothing, or the precompiled map, alone or in a list.
Charsmap charsmap_from_json(const Json& json, const std::string& origin) {
  if (json.is_null()) return {};
  const std::string type = json_string(json, "type", origin + ": normalizer");
  if (type == "Precompiled") {
    const auto map = json.find("precompiled_charsmap");
    if (map == json.end() || map->is_null()) return {};
    return Charsmap::from_base64(json_string(json, "precompiled_charsmap", origin), origin);
  }
  const auto list = json.find("normalizers");
  if (type == "Sequence" && list != json.end() && list->is_array() && list->size() <= 1) {
    return list->empty() ? Charsmap() : charsmap_from_json((*list)[0], origin);
  }
  fail_input("{}: the normalizer '{}' is not supported; a T5 tokenizer has 'Precompiled'.", origin,
             printable(type));
}

/// Only what T5 has: words at white space, then the space mark before each.
void check_pre_tokenizer(const Json& json, const std::string& origin) {
  const auto metaspace = [&](const Json& part) {
    return part.is_object() && part.contains("type") && part["type"] == "Metaspace" &&
           json_string_or(part, "replacement", origin, std::string(kSpace)) == kSpace &&
           json_string_or(part, "prepend_scheme", origin, "always") == "always" &&
           json_bool_or(part, "add_prefix_space", origin, true) &&
           json_bool_or(part, "split", origin, true);
  };
  const auto list = json.is_object() ? json.find("pretokenizers") : json.end();
  const bool sequence = json.is_object() &&
                        json_string_or(json, "type", origin, "") == "Sequence" &&
                        list != json.end() && list->is_array() && list->size() == 2 &&
                        (*list)[0].is_object() && (*list)[0].contains("type") &&
                        (*list)[0]["type"] == "WhitespaceSplit" && metaspace((*list)[1]);
  if (!sequence) {
    fail_input(
        "{}: the pre-tokenizer is not supported; a T5 tokenizer has WhitespaceSplit, then "
        "Metaspace.",
        origin);
  }
}

Parts parts_from_json(const Json& json, const std::string& origin) {
  Parts parts;
  parts.origin = origin;
  const Json& model = json["model"];
  const auto vocabulary = model.find("vocab");
  if (json_string_or(model, "type", origin, "Unigram") != "Unigram" || vocabulary == model.end() ||
      !vocabulary->is_array()) {
    fail_input("{}: T5's tokenizer must be a Unigram model with a list 'vocab'.", origin);
  }
  refuse_member(model, "byte_fallback", origin);
  parts.unknown = json_integer(model, "unk_id", origin, 0, 1 << 24);
  for (const Json& entry : *vocabulary) {
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number()) {
      fail_input("{}: entry {} of the vocabulary must be a text and a score.", origin,
                 parts.pieces.size());
    }
    parts.pieces.push_back({entry[0].get<std::string>(), entry[1].get<double>()});
  }
  parts.charsmap =
      charsmap_from_json(json.contains("normalizer") ? json["normalizer"] : Json(), origin);
  check_pre_tokenizer(json.contains("pre_tokenizer") ? json["pre_tokenizer"] : Json(), origin);
  if (const auto list = json.find("added_tokens"); list != json.end()) {
    if (!list->is_array()) fail_input("{}: 'added_tokens' must be a list.", origin);
    for (const Json& token : *list) {
      parts.added.push_back(added_token_from_json(
          token, json_integer(token, "id", origin + ": added_tokens", 0, 1 << 24), origin));
    }
  }
  return parts;
}

Parts parts_from_spiece(const std::filesystem::path& path, const TokenizerConfig& config) {
  Parts parts;
  parts.origin = "'" + printable(path.native(), 400) + "'";
  SentencePieceModel model = parse_spiece(read_file(path, kModelLimit), parts.origin);
  parts.pieces = std::move(model.pieces);
  parts.unknown = model.unknown;
  parts.charsmap = Charsmap::from_bytes(model.charsmap, parts.origin);
  // The extra ids stand behind the pieces, the highest number first.
  const int64_t extra = config.extra_ids.value_or(100);
  for (int64_t i = extra - 1; i >= 0; --i) {
    const std::string name = fmt::format("<extra_id_{}>", i);
    const auto id = static_cast<int32_t>(parts.pieces.size());
    parts.pieces.push_back({name, 0.0});
    parts.added.push_back({.content = name, .id = id});
  }
  return parts;
}

}  // namespace

T5Tokenizer T5Tokenizer::open(const std::filesystem::path& folder) {
  const TokenizerConfig config = read_tokenizer_config(folder);
  Parts parts;
  std::error_code ignored;
  if (const auto json = read_tokenizer_json(folder)) {
    parts =
        parts_from_json(*json, "'" + printable((folder / "tokenizer.json").native(), 400) + "'");
  } else if (std::filesystem::exists(folder / "spiece.model", ignored)) {
    parts = parts_from_spiece(folder / "spiece.model", config);
  } else {
    fail_input("The folder '{}' holds no T5 tokenizer (spiece.model or tokenizer.json).",
               printable(folder.native(), 400));
  }

  T5Tokenizer tokenizer;
  tokenizer.unigram_ = std::make_shared<const Unigram>(
      std::move(parts.pieces), static_cast<int32_t>(parts.unknown), parts.origin);
  tokenizer.charsmap_ = std::move(parts.charsmap);
  tokenizer.vocabulary_size_ = tokenizer.unigram_->size();
  const auto special = [&](const std::string& stated, const char* usual) {
    const std::string name = stated.empty() ? usual : stated;
    const int32_t id = tokenizer.unigram_->find(name);
    if (id < 0) {
      fail_input("{}: the vocabulary has no token '{}'.", parts.origin, printable(name));
    }
    tokenizer.added_.add({.content = name, .id = id});
    return id;
  };
  tokenizer.eos_ = special(config.eos_token, "</s>");
  tokenizer.pad_ = special(config.pad_token, "<pad>");
  special(config.unk_token, "<unk>");
  for (const std::vector<AddedToken>& list : {parts.added, config.added_tokens}) {
    for (const AddedToken& token : list) {
      tokenizer.vocabulary_size_ = std::max<int64_t>(tokenizer.vocabulary_size_, token.id + 1);
      tokenizer.added_.add(token);
    }
  }
  tokenizer.model_max_length_ = config.model_max_length.value_or(512);
  return tokenizer;
}

void T5Tokenizer::encode_text(std::string_view text, std::vector<int32_t>& ids) const {
  const std::string normalised = charsmap_.apply(encode_utf8(decode_utf8(text)));
  std::string word;
  const auto flush = [&] {
    if (!word.empty()) unigram_->encode(word, ids);
    word.clear();
  };
  bool in_word = false;
  for (const char32_t c : decode_utf8(normalised)) {
    if (is_space(c)) {
      flush();
      in_word = false;
      continue;
    }
    const bool mark = c == U'\u2581';
    // Each word begins with the mark; one in the middle of a word begins another.
    if (mark) flush();
    if (!in_word && !mark) word += kSpace;
    in_word = true;
    append_utf8(word, c);
  }
  flush();
}

std::vector<int32_t> T5Tokenizer::encode(std::string_view text) const {
  std::vector<int32_t> ids;
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

std::vector<int32_t> T5Tokenizer::encode_padded(std::string_view text, int64_t length) const {
  std::vector<int32_t> ids = encode(text);
  const auto wanted = static_cast<size_t>(std::max<int64_t>(length, 1));
  if (ids.size() > wanted) {
    ids.resize(wanted);
    ids.back() = eos_;
  }
  ids.resize(wanted, pad_);
  return ids;
}

}  // namespace iclora::tokenizers
