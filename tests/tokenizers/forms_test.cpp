// Folders of tokenizers as they are found in the wild (tools/reference/dump_tokenizers.py).

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "core/error.h"
#include "core/file.h"
#include "core/json.h"
#include "scratch.h"
#include "tokenizers/clip_tokenizer.h"
#include "tokenizers/t5_tokenizer.h"

namespace iclora::tokenizers {
namespace {

namespace fs = std::filesystem;
using testing_support::ScratchFolder;

const fs::path kFixtures = ICLORA_FIXTURES;

/// The base folder with members of its files changed and files removed.
void make_folder(const Json& form, const fs::path& folder) {
  const std::string base = form["base"];
  fs::copy(base == "own" ? kFixtures / "tokenizers/own" : kFixtures / "models" / base, folder,
           fs::copy_options::recursive);
  for (const Json& name : form["remove"]) fs::remove(folder / name.get<std::string>());
  for (const auto& file : form["change"].items()) {
    const fs::path path = folder / file.key();
    Json content = fs::exists(path) ? read_json(path) : Json::object();
    for (const auto& member : file.value().items()) {
      Json value = member.value();
      // The character map is the base's own.
      if (value.is_object() && value.contains("normalizers")) {
        value["normalizers"][0] = content["normalizer"];
      }
      const bool absent = value.is_null() && file.key() != "tokenizer.json";
      if (absent) {
        content.erase(member.key());
      } else {
        content[member.key()] = value;
      }
    }
    write_file(path, content.dump());
  }
}

template <typename Tokenizer>
void expect_equal(const Json& form, const Json& strings, const fs::path& folder) {
  const Tokenizer tokenizer = Tokenizer::open(folder);
  for (size_t i = 0; i < strings.size(); ++i) {
    const auto text = strings[i].get<std::string>();
    EXPECT_EQ(tokenizer.encode(text), form["ids"][i].get<std::vector<int32_t>>())
        << "'" << printable(text) << "'";
    EXPECT_EQ(tokenizer.encode_padded(text, 12), form["padded"][i].get<std::vector<int32_t>>())
        << "'" << printable(text) << "'";
  }
  if (form["model_max_length"] < 1'000'000) {
    EXPECT_EQ(tokenizer.model_max_length(), form["model_max_length"].get<int64_t>());
  }
}

TEST(TokenizerForms, EveryFormEqualsTransformers) {
  const Json fixture = read_json(kFixtures / "tokenizers/forms.json");
  ASSERT_GE(fixture["forms"].size(), 20U);
  for (const Json& form : fixture["forms"]) {
    SCOPED_TRACE(form["name"].get<std::string>());
    const ScratchFolder scratch;
    const fs::path folder = scratch / "tokenizer";
    make_folder(form, folder);
    if (form["kind"] == "clip") {
      expect_equal<ClipTokenizer>(form, fixture["strings"], folder);
    } else {
      expect_equal<T5Tokenizer>(form, fixture["strings"], folder);
    }
  }
}

}  // namespace
}  // namespace iclora::tokenizers
