#include "tokenizers/plain_vocabulary.h"

#include <algorithm>
#include <array>
#include <string>

#include "core/file.h"
#include "core/json.h"
#include "tokenizers/bpe.h"

namespace iclora::tokenizers {

void write_byte_tokenizer(const std::filesystem::path& folder) {
  create_folders(folder);
  Json vocabulary = Json::object();
  // Bytes that are printable by themselves come first: UTF-8 sorts as its code points do.
  std::array<std::string, 256> alphabet = byte_alphabet();
  std::sort(alphabet.begin(), alphabet.end());
  for (const std::string& symbol : alphabet) vocabulary[symbol] = vocabulary.size();
  for (const std::string& symbol : alphabet) vocabulary[symbol + "</w>"] = vocabulary.size();
  vocabulary["<|startoftext|>"] = vocabulary.size();
  vocabulary["<|endoftext|>"] = vocabulary.size();
  write_file(folder / "vocab.json", vocabulary.dump());
  write_file(folder / "merges.txt", "#version: 0.2\n");
  const Json config = {{"add_prefix_space", false},    {"bos_token", "<|startoftext|>"},
                       {"eos_token", "<|endoftext|>"}, {"model_max_length", 77},
                       {"pad_token", "<|endoftext|>"}, {"tokenizer_class", "CLIPTokenizer"},
                       {"unk_token", "<|endoftext|>"}};
  write_file(folder / "tokenizer_config.json", config.dump(2) + "\n");
}

void write_character_tokenizer(const std::filesystem::path& folder, int64_t length) {
  create_folders(folder);
  Json pieces = Json::array({{"<pad>", 0.0}, {"</s>", 0.0}, {"<unk>", 0.0}, {"\u2581", -2.0}});
  for (char c = 0x21; c < 0x7F; ++c) pieces.push_back({std::string(1, c), -4.0});
  Json added = Json::array();
  for (int id = 0; id < 3; ++id) {
    added.push_back({{"id", id},
                     {"content", pieces[static_cast<size_t>(id)][0]},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
  }
  const Json metaspace = {{"type", "Metaspace"},
                          {"replacement", "\u2581"},
                          {"prepend_scheme", "always"},
                          {"split", true}};
  const Json json = {
      {"version", "1.0"},
      {"truncation", nullptr},
      {"padding", nullptr},
      {"added_tokens", added},
      {"normalizer", nullptr},
      {"pre_tokenizer",
       {{"type", "Sequence"},
        {"pretokenizers", Json::array({{{"type", "WhitespaceSplit"}}, metaspace})}}},
      {"post_processor",
       {{"type", "TemplateProcessing"},
        {"single", Json::array({{{"Sequence", {{"id", "A"}, {"type_id", 0}}}},
                                {{"SpecialToken", {{"id", "</s>"}, {"type_id", 0}}}}})},
        {"pair", Json::array({{{"Sequence", {{"id", "A"}, {"type_id", 0}}}},
                              {{"SpecialToken", {{"id", "</s>"}, {"type_id", 0}}}},
                              {{"Sequence", {{"id", "B"}, {"type_id", 0}}}},
                              {{"SpecialToken", {{"id", "</s>"}, {"type_id", 0}}}}})},
        {"special_tokens",
         {{"</s>",
           {{"id", "</s>"}, {"ids", Json::array({1})}, {"tokens", Json::array({"</s>"})}}}}}}},
      {"decoder", metaspace},
      {"model", {{"type", "Unigram"}, {"unk_id", 2}, {"vocab", pieces}, {"byte_fallback", false}}}};
  write_file(folder / "tokenizer.json", json.dump());
  const Json config = {{"eos_token", "</s>"},
                       {"extra_ids", 0},
                       {"model_max_length", length},
                       {"pad_token", "<pad>"},
                       {"tokenizer_class", "T5Tokenizer"},
                       {"unk_token", "<unk>"}};
  write_file(folder / "tokenizer_config.json", config.dump(2) + "\n");
}

}  // namespace iclora::tokenizers
