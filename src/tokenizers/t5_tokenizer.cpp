#include "tokenizers/t5_tokenizer.h"

#include <algorithm>

#include "core/error.h"
#include "core/file.h"
#include "tokenizers/pipeline_check.h"
#include "tokenizers/spiece.h"
#include "tokenizers/tokenizer_files.h"
#include "tokenizers/unicode.h"

namespace iclora::tokenizers {
namespace {

constexpr uint64_t kModelLimit = 64 << 20;
constexpr int32_t kUnknown = 2;
constexpr std::string_view kSpace = "\u2581";  // the character that stands for a space

struct Parts {
  std::vector<Piece> pieces;
  Charsmap charsmap;
  std::vector<StatedToken> extra;  ///< added tokens where the configuration lists none
  std::string origin;
};

void check_unknown(int64_t id, const std::string& origin) {
  if (id == kUnknown) return;
  fail_input("{}: the unknown token's id is {}, expected {}, as in every T5 tokenizer.", origin, id,
             kUnknown);
}

/// The extra ids, in the order of their numbers.
void state_extra_ids(int64_t count, Parts& parts) {
  for (int64_t i = 0; i < count; ++i) {
    parts.extra.push_back(
        {{.content = fmt::format("<extra_id_{}>", i)}, std::nullopt, parts.origin});
  }
}

Parts parts_from_json(const Json& json, const std::string& origin, int64_t extra_ids) {
  Parts parts;
  parts.origin = origin;
  const Json& model = json["model"];
  const auto vocabulary = model.find("vocab");
  if (json_string_or(model, "type", origin, "Unigram") != "Unigram" || vocabulary == model.end() ||
      !vocabulary->is_array()) {
    fail_input("{}: T5's tokenizer must be a Unigram model with a list 'vocab'.", origin);
  }
  refuse_member(model, "byte_fallback", origin);
  check_unknown(json_integer(model, "unk_id", origin, 0, 1 << 24), origin);
  parts.pieces.reserve(vocabulary->size());
  for (const Json& entry : *vocabulary) {
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number()) {
      fail_input("{}: entry {} of the vocabulary must be a text and a score.", origin,
                 parts.pieces.size());
    }
    parts.pieces.push_back({entry[0].get<std::string>(), entry[1].get<double>()});
  }
  parts.charsmap = Charsmap::from_base64(check_t5_pipeline(json, origin), origin);
  state_extra_ids(extra_ids, parts);
  return parts;
}

Parts parts_from_spiece(const std::filesystem::path& folder, int64_t extra_ids) {
  Parts parts;
  parts.origin = origin_of(folder, "spiece.model");
  SentencePieceModel model =
      parse_spiece(read_file(folder / "spiece.model", kModelLimit), parts.origin);
  check_unknown(model.unknown, parts.origin);
  parts.pieces = std::move(model.pieces);
  parts.charsmap = Charsmap::from_bytes(model.charsmap, parts.origin);
  for (const std::string& name : model.added) {
    parts.extra.push_back({{.content = name}, std::nullopt, parts.origin});
  }
  state_extra_ids(extra_ids, parts);
  // They stand behind the pieces, the highest number first.
  for (int64_t i = extra_ids - 1; i >= 0; --i) {
    parts.pieces.push_back({fmt::format("<extra_id_{}>", i), 0.0});
  }
  return parts;
}

}  // namespace

T5Tokenizer T5Tokenizer::open(const std::filesystem::path& folder) {
  const std::optional<Json> json = read_tokenizer_json(folder);
  const TokenizerConfig config = read_tokenizer_config(folder, json ? &*json : nullptr);
  const int64_t extra_ids = config.extra_ids.value_or(100);
  Parts parts;
  if (json.has_value()) {
    parts = parts_from_json(*json, origin_of(folder, "tokenizer.json"), extra_ids);
  } else if (has_file(folder, "spiece.model")) {
    parts = parts_from_spiece(folder, extra_ids);
  } else {
    fail_input("The folder '{}' holds no T5 tokenizer (tokenizer.json or spiece.model).",
               printable(folder.native(), 400));
  }

  T5Tokenizer tokenizer;
  tokenizer.unigram_ =
      std::make_shared<const Unigram>(std::move(parts.pieces), kUnknown, parts.origin);
  tokenizer.charsmap_ = std::move(parts.charsmap);
  const Unigram& unigram = *tokenizer.unigram_;
  const auto named = [&](const std::string& stated, const char* usual) {
    std::string name = stated.empty() ? usual : stated;
    if (unigram.find(name) < 0) {
      fail_input("{}: the vocabulary has no token '{}'.", parts.origin, printable(name));
    }
    return name;
  };
  const std::string eos = named(config.eos_token, "</s>");
  const std::string pad = named(config.pad_token, "<pad>");
  const std::string unknown = named(config.unk_token, "<unk>");
  std::vector<StatedToken> tokens = config.tokens;
  for (const std::string& name : {eos, unknown, pad}) {
    tokens.push_back({{.content = name}, std::nullopt, parts.origin});
  }
  const std::vector<StatedToken>& extra =
      config.extra_tokens.has_value() ? *config.extra_tokens : parts.extra;
  tokens.insert(tokens.end(), extra.begin(), extra.end());
  tokenizer.added_ = AddedVocabulary(
      tokens, [&](std::string_view token) { return unigram.find(token); }, unigram.size(),
      [&](std::string_view text) { return tokenizer.charsmap_.apply(text); });
  tokenizer.eos_ = tokenizer.added_.find(eos);
  tokenizer.pad_ = tokenizer.added_.find(pad);
  tokenizer.vocabulary_size_ =
      std::max<int64_t>(unigram.size(), int64_t{tokenizer.added_.largest_id()} + 1);
  tokenizer.sides_ = config.sides;
  tokenizer.model_max_length_ = config.model_max_length.value_or(512);
  return tokenizer;
}

void T5Tokenizer::encode_text(std::string_view text, std::vector<int32_t>& ids) const {
  std::string word;
  const auto flush = [&] {
    if (!word.empty()) unigram_->encode(word, ids);
    word.clear();
  };
  bool in_word = false;
  for (const char32_t c : decode_utf8(text)) {
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
  added_.encode(
      encode_utf8(decode_utf8(text)), [&](std::string_view part) { return charsmap_.apply(part); },
      [&](std::string_view piece) { encode_text(piece, ids); }, ids);
  ids.push_back(eos_);
  return ids;
}

std::vector<int32_t> T5Tokenizer::encode_padded(std::string_view text, int64_t length) const {
  return fit_to_length(encode(text), length, 0, pad_, sides_);
}

}  // namespace iclora::tokenizers
