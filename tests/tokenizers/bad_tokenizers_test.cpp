#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "core/file.h"
#include "core/json.h"
#include "refusal.h"
#include "scratch.h"
#include "tokenizers/clip_tokenizer.h"
#include "tokenizers/t5_tokenizer.h"

namespace iclora::tokenizers {
namespace {

using testing::HasSubstr;
using testing_support::refusal_of;
using testing_support::ScratchFolder;
namespace fs = std::filesystem;

const fs::path kModels = ICLORA_FIXTURES "/models";

template <typename Tokenizer>
std::string message_of(const fs::path& folder) {
  return refusal_of([&] { Tokenizer::open(folder); });
}

/// The message after one file of a good tokenizer was replaced.
template <typename Tokenizer>
std::string message_with(const fs::path& good, const std::string& file,
                         const std::string& content) {
  const ScratchFolder scratch;
  fs::copy(good, scratch.path(),
           fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  write_file(scratch / file, content);
  return message_of<Tokenizer>(scratch.path());
}

std::string content_of(const fs::path& path) {
  return read_file(path, 1 << 24);
}

/// A half-filled cache has links to files that are not there yet.
TEST(BadFiles, ALinkThatLeadsNowhereIsNoMissingFile) {
  const auto linked = [](const fs::path& good, const char* file, const auto& message) {
    const ScratchFolder scratch;
    fs::copy(good, scratch.path(), fs::copy_options::recursive);
    fs::remove(scratch / file);
    fs::create_symlink("nowhere", scratch / file);
    EXPECT_THAT(message(scratch.path()),
                testing::AllOf(HasSubstr(file), HasSubstr("cannot be read")));
  };
  for (const char* file :
       {"tokenizer.json", "vocab.json", "tokenizer_config.json", "special_tokens_map.json"}) {
    linked(kModels / "toy-dev/tokenizer", file, message_of<ClipTokenizer>);
  }
  for (const char* file : {"tokenizer.json", "spiece.model", "tokenizer_config.json"}) {
    linked(kModels / "toy-dev/tokenizer_2", file, message_of<T5Tokenizer>);
  }
}

TEST(BadClipFiles, EachIsOneSentence) {
  const fs::path good = kModels / "toy-dev/tokenizer";
  const auto vocab = [&](const std::string& text) {
    return message_with<ClipTokenizer>(good, "vocab.json", text);
  };
  const auto merges = [&](const std::string& text) {
    return message_with<ClipTokenizer>(good, "merges.txt", text);
  };
  EXPECT_THAT(vocab(""), HasSubstr("not valid JSON"));
  EXPECT_THAT(vocab("[]"), HasSubstr("JSON object"));
  EXPECT_THAT(vocab("{}"), HasSubstr("object from tokens to ids"));
  EXPECT_THAT(vocab(R"({"a":-1})"), HasSubstr("id of token 'a'"));
  EXPECT_THAT(vocab(R"({"a":1.5})"), HasSubstr("id of token 'a'"));
  EXPECT_THAT(vocab(R"({"a":"x"})"), HasSubstr("id of token 'a'"));
  EXPECT_THAT(vocab(R"({"a":99999999999})"), HasSubstr("id of token 'a'"));
  EXPECT_THAT(vocab(R"({"a":1,"a":2})"), HasSubstr("stands twice"));
  EXPECT_THAT(vocab(R"({"a":1})"), HasSubstr("no token '<|startoftext|>'"));
  EXPECT_THAT(vocab(content_of(good / "vocab.json").substr(0, 500)), HasSubstr("not valid JSON"));
  EXPECT_THAT(merges("a b c\n"), HasSubstr("merge 1"));
  EXPECT_THAT(merges("#version: 0.2\nab\n"), HasSubstr("merge 2"));
  EXPECT_THAT(merges("nosuch token\n"), HasSubstr("not made of tokens"));
  EXPECT_THAT(
      message_with<ClipTokenizer>(good, "tokenizer_config.json", "{\"model_max_length\":0}"),
      HasSubstr("model_max_length"));
  EXPECT_THAT(message_with<ClipTokenizer>(good, "tokenizer_config.json", "[]"),
              HasSubstr("JSON object"));
  EXPECT_THAT(message_with<ClipTokenizer>(good, "tokenizer_config.json",
                                          R"({"added_tokens_decoder":{"x":{}}})"),
              HasSubstr("expected a token id"));
  EXPECT_THAT(
      message_with<ClipTokenizer>(good, "special_tokens_map.json", R"({"eos_token":"<nothing>"})"),
      HasSubstr("no token '<nothing>'"));
  const auto config = [&](const std::string& text) {
    return message_with<ClipTokenizer>(good, "tokenizer_config.json", text);
  };
  EXPECT_THAT(config(R"({"model_max_length":"77"})"), HasSubstr("model_max_length"));
  EXPECT_THAT(config(R"({"bos_token":7})"), HasSubstr("'bos_token' must be a token"));
  EXPECT_THAT(config(R"({"bos_token":{"lstrip":true}})"), HasSubstr("'content'"));
  EXPECT_THAT(config(R"({"padding_side":"top"})"), HasSubstr("'padding_side'"));
  EXPECT_THAT(config(R"({"split_special_tokens":true})"), HasSubstr("'split_special_tokens'"));
  EXPECT_THAT(config(R"({"extra_special_tokens":"<x>"})"), HasSubstr("list of tokens"));
  EXPECT_THAT(config(R"({"added_tokens_decoder":[]})"), HasSubstr("must be an object"));
  EXPECT_THAT(config(R"({"added_tokens_decoder":{"5":"x"}})"), HasSubstr("must be an object"));
  EXPECT_THAT(config(R"({"added_tokens_decoder":{"5":{"content":"<|endoftext|>"}}})"),
              HasSubstr("do not belong together"));
  EXPECT_THAT(message_with<ClipTokenizer>(good, "added_tokens.json", R"({"<x>":-3})"),
              HasSubstr("'<x>' must be an integer"));
  EXPECT_THAT(message_with<ClipTokenizer>(good, "special_tokens_map.json", "3"),
              HasSubstr("JSON object"));
  EXPECT_THAT(vocab(R"({"a":1,"b":1})"), HasSubstr("the same id 1"));
  EXPECT_THAT(vocab(R"({"a":{}})"), HasSubstr("but is an object"));
  EXPECT_THAT(vocab(R"({"a":[[1]]})"), HasSubstr("but is a list"));
  EXPECT_THAT(vocab(content_of(good / "vocab.json") + std::string("\0{", 2)),
              HasSubstr("not valid JSON"));
  EXPECT_THAT(vocab(std::string(100, '[')), HasSubstr("nested too deep"));
  EXPECT_THAT(vocab("{\"\xff\":1}"), HasSubstr("not valid JSON"));
  EXPECT_THAT(merges(std::string("a \xff\n", 4)), HasSubstr("not made of tokens"));
  const ScratchFolder empty;
  EXPECT_THAT(message_of<ClipTokenizer>(empty.path()), HasSubstr("holds no CLIP tokenizer"));
}

TEST(BadClipJson, WhatIsNotImplementedIsNamed) {
  const fs::path good = kModels / "toy-schnell/tokenizer";
  const Json json = read_json(good / "tokenizer.json");
  const auto with = [&](const std::string& key, const Json& value) {
    Json changed = json;
    changed["model"][key] = value;
    return message_with<ClipTokenizer>(good, "tokenizer.json", changed.dump());
  };
  EXPECT_EQ(with("dropout", nullptr), "accepted");
  EXPECT_THAT(with("dropout", 0.5), HasSubstr("'dropout'"));
  EXPECT_THAT(with("byte_fallback", true), HasSubstr("'byte_fallback'"));
  EXPECT_THAT(with("end_of_word_suffix", ""), HasSubstr("end_of_word_suffix"));
  EXPECT_THAT(with("type", "WordPiece"), HasSubstr("BPE"));
  EXPECT_THAT(with("merges", 5), HasSubstr("'merges'"));
  EXPECT_THAT(with("vocab", 5), HasSubstr("from tokens to ids"));
  EXPECT_THAT(with("vocab", Json::array({1, 2})), HasSubstr("from tokens to ids"));
  EXPECT_THAT(with("vocab", {{"a", 1}, {"b", 1}}), HasSubstr("the same id"));
  const auto pipeline = [&](const char* where, const Json& value) {
    Json changed = json;
    changed[Json::json_pointer(where)] = value;
    return message_with<ClipTokenizer>(good, "tokenizer.json", changed.dump());
  };
  EXPECT_THAT(pipeline("/normalizer", nullptr), HasSubstr("normalizer (none)"));
  EXPECT_THAT(pipeline("/normalizer/normalizers/0/type", "NFKC"), HasSubstr("normalizer (NFKC"));
  EXPECT_THAT(pipeline("/normalizer/normalizers/1/content", "_"), HasSubstr("normalizer"));
  EXPECT_THAT(pipeline("/normalizer/normalizers", "x"), HasSubstr("'normalizers'"));
  EXPECT_THAT(pipeline("/normalizer/normalizers/2", 7), HasSubstr("a step of 'normalizer'"));
  EXPECT_THAT(pipeline("/pre_tokenizer", "x"), HasSubstr("'pre_tokenizer'"));
  EXPECT_THAT(pipeline("/pre_tokenizer/pretokenizers/0/pattern/Regex", "."),
              HasSubstr("pre-tokenizer"));
  EXPECT_THAT(pipeline("/pre_tokenizer/pretokenizers/1/add_prefix_space", true),
              HasSubstr("pre-tokenizer"));
  EXPECT_THAT(pipeline("/added_tokens/0/id", 3), HasSubstr("do not belong together"));
  EXPECT_THAT(pipeline("/added_tokens", 3), HasSubstr("'added_tokens'"));
  EXPECT_EQ(pipeline("/truncation", {{"direction", "Left"}}), "accepted");
  EXPECT_THAT(with("merges", {{"a"}}), HasSubstr("merge 1"));
  EXPECT_THAT(message_with<ClipTokenizer>(good, "tokenizer.json", "{}"),
              HasSubstr("from tokens to ids"));
}

TEST(BadT5Files, ADamagedSentencePieceModelIsOneSentenceWhereverItIsCut) {
  const fs::path good = kModels / "toy-dev/tokenizer_2";
  const std::string model = content_of(good / "spiece.model");
  for (const size_t length : {0, 1, 2, 3, 5, 10, 100, 1000, 1500}) {
    const std::string message =
        message_with<T5Tokenizer>(good, "spiece.model", model.substr(0, length));
    // A cut between two messages leaves a model without some pieces: those it needs are named.
    EXPECT_NE(message, "accepted") << length;
  }
  EXPECT_THAT(
      message_with<T5Tokenizer>(good, "spiece.model", "\x0a\xff\xff\xff\xff\xff\xff\xff\x7f"),
      HasSubstr("damaged"));
  EXPECT_THAT(message_with<T5Tokenizer>(good, "spiece.model", std::string(20, '\xff')),
              HasSubstr("damaged"));
  const auto with = [&](const std::string& more) {
    return message_with<T5Tokenizer>(good, "spiece.model", model + more);
  };
  // Nothing is cut at a NUL: the literals' whole length is taken.
  // NOLINTBEGIN(bugprone-string-literal-with-embedded-nul)
  const auto bytes = []<size_t N>(const char(&text)[N]) { return std::string(text, N - 1); };
  // Pieces: a byte that is not UTF-8, scores that are not finite, one piece twice.
  EXPECT_THAT(with(bytes("\x0a\x08\x0a\x01\xc2\x15\x00\x00\x80\xbf")), HasSubstr("not UTF-8"));
  EXPECT_THAT(with(bytes("\x0a\x0a\x0a\x03~~~\x15\x00\x00\xc0\x7f")), HasSubstr("finite"));
  EXPECT_THAT(with(bytes("\x0a\x0a\x0a\x03~~~\x15\x00\x00\x80\xff")), HasSubstr("finite"));
  const std::string piece = bytes("\x0a\x0a\x0a\x03~~~\x15\x00\x00\x80\xbf");
  EXPECT_EQ(with(piece), "accepted");
  EXPECT_THAT(with(piece + piece), HasSubstr("both '~~~'"));
  // Wrong wire types: pieces as a number, a score as a number, a group.
  EXPECT_THAT(with(bytes("\x08\x05")), HasSubstr("damaged"));
  EXPECT_THAT(with(bytes("\x0a\x02\x10\x05")), HasSubstr("damaged"));
  EXPECT_THAT(with(bytes("\x0b")), HasSubstr("damaged"));
  // trainer_spec.byte_fallback, trainer_spec.unk_id, normalizer_spec.precompiled_charsmap.
  EXPECT_THAT(with(bytes("\x12\x03\x98\x02\x01")), HasSubstr("byte fallback"));
  EXPECT_THAT(with(bytes("\x12\x03\xc0\x02\x00")), HasSubstr("unknown token's id is 0"));
  // NOLINTEND(bugprone-string-literal-with-embedded-nul)
  EXPECT_THAT(with(bytes("\x1a\x05\x12\x03\x61\x62\x63")), HasSubstr("character map"));
  EXPECT_THAT(with(bytes("\x1a\x08\x12\x06\xff\xff\xff\x7f\x61\x62")), HasSubstr("character map"));
  // model_type = 2 (BPE).
  EXPECT_THAT(
      message_with<T5Tokenizer>(good, "spiece.model", model + std::string("\x12\x02\x18\x02")),
      HasSubstr("kind 2"));
}

TEST(BadT5Json, WhatIsNotImplementedIsNamed) {
  const fs::path good = kModels / "toy-schnell/tokenizer_2";
  const Json json = read_json(good / "tokenizer.json");
  const auto with = [&](const Json::json_pointer& where, const Json& value) {
    Json changed = json;
    changed[where] = value;
    return message_with<T5Tokenizer>(good, "tokenizer.json", changed.dump());
  };
  const auto at = [](const char* path) { return Json::json_pointer(path); };
  EXPECT_EQ(with(at("/version"), "1.0"), "accepted");
  EXPECT_THAT(with(at("/model/type"), "BPE"), HasSubstr("Unigram"));
  EXPECT_THAT(with(at("/model/vocab"), 7), HasSubstr("Unigram"));
  EXPECT_THAT(with(at("/model/vocab/5"), "x"), HasSubstr("entry 5"));
  EXPECT_THAT(with(at("/model/vocab/5/1"), "x"), HasSubstr("entry 5"));
  EXPECT_THAT(with(at("/model/vocab/6/0"), json["model"]["vocab"][5][0]), HasSubstr("are both"));
  EXPECT_THAT(with(at("/model/vocab"), Json::array()), HasSubstr("not one of the 0 pieces"));
  EXPECT_THAT(with(at("/model/unk_id"), 100000), HasSubstr("unknown token"));
  EXPECT_THAT(with(at("/model/unk_id"), nullptr), HasSubstr("unk_id"));
  EXPECT_THAT(with(at("/model/byte_fallback"), true), HasSubstr("byte_fallback"));
  EXPECT_THAT(with(at("/normalizer"), {{"type", "NFKC"}}), HasSubstr("normalizer (NFKC)"));
  EXPECT_THAT(with(at("/normalizer/precompiled_charsmap"), "@@@@"), HasSubstr("base64"));
  EXPECT_THAT(with(at("/normalizer/precompiled_charsmap"), "AAAA"), HasSubstr("character map"));
  EXPECT_THAT(with(at("/pre_tokenizer"), {{"type", "ByteLevel"}}), HasSubstr("pre-tokenizer"));
  EXPECT_THAT(with(at("/pre_tokenizer/pretokenizers/1/prepend_scheme"), "never"),
              HasSubstr("pre-tokenizer"));
  EXPECT_THAT(with(at("/pre_tokenizer/pretokenizers/1/replacement"), "_"),
              HasSubstr("pre-tokenizer"));
  EXPECT_THAT(with(at("/added_tokens/0/id"), -1), HasSubstr("'id'"));
  const ScratchFolder empty;
  EXPECT_THAT(message_of<T5Tokenizer>(empty.path()), HasSubstr("holds no T5 tokenizer"));
}

}  // namespace
}  // namespace iclora::tokenizers
