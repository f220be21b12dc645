#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>

#include "core/error.h"
#include "tokenizers/clip_tokenizer.h"
#include "tokenizers/t5_tokenizer.h"
#include "weights/checkpoint.h"

namespace iclora::tokenizers {
namespace {

/// What tools/reference/dump_tokenizers.py wrote.
class Expected {
 public:
  explicit Expected(const std::filesystem::path& path)
      : checkpoint_(weights::Checkpoint::open(path)) {}

  std::vector<std::string> texts() const {
    const auto* text = checkpoint_.find("text");
    std::vector<std::string> out;
    size_t begin = 0;
    for (const int64_t end : numbers("text_ends")) {
      out.emplace_back(reinterpret_cast<const char*>(text->bytes.data()) + begin,
                       static_cast<size_t>(end) - begin);
      begin = static_cast<size_t>(end);
    }
    return out;
  }
  std::vector<std::vector<int32_t>> ids(const std::string& name) const {
    const std::vector<int64_t> all = numbers(name);
    std::vector<std::vector<int32_t>> out;
    size_t begin = 0;
    for (const int64_t end : numbers(name + "_ends")) {
      out.emplace_back(all.begin() + static_cast<ptrdiff_t>(begin), all.begin() + end);
      begin = static_cast<size_t>(end);
    }
    return out;
  }
  std::vector<std::vector<int32_t>> padded(const std::string& name) const {
    const std::vector<int64_t> all = numbers("padded." + name);
    const auto length = static_cast<size_t>(checkpoint_.find("padded." + name)->shape[1]);
    std::vector<std::vector<int32_t>> out;
    for (size_t at = 0; at < all.size(); at += length) {
      out.emplace_back(all.begin() + static_cast<ptrdiff_t>(at),
                       all.begin() + static_cast<ptrdiff_t>(at + length));
    }
    return out;
  }

 private:
  std::vector<int64_t> numbers(const std::string& name) const {
    const auto* tensor = checkpoint_.find(name);
    std::vector<int64_t> out;
    const auto read = [&]<typename T>(T value) {
      for (size_t at = 0; at < tensor->bytes.size(); at += sizeof value) {
        std::memcpy(&value, tensor->bytes.data() + at, sizeof value);
        out.push_back(value);
      }
    };
    if (tensor->dtype == weights::Dtype::i16) read(int16_t{});
    if (tensor->dtype == weights::Dtype::i32) read(int32_t{});
    if (tensor->dtype == weights::Dtype::i64) read(int64_t{});
    return out;
  }
  weights::Checkpoint checkpoint_;
};

template <typename Tokenizer>
void expect_equal(const Tokenizer& tokenizer, const Expected& expected, const std::string& name,
                  int64_t padded_length) {
  const auto texts = expected.texts();
  const auto ids = expected.ids(name);
  ASSERT_EQ(texts.size(), ids.size());
  ASSERT_GE(texts.size(), 5000U);
  int wrong = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    if (tokenizer.encode(texts[i]) == ids[i]) continue;
    if (++wrong <= 10) {
      EXPECT_EQ(tokenizer.encode(texts[i]), ids[i]) << name << ": '" << printable(texts[i]) << "'";
    }
  }
  EXPECT_EQ(wrong, 0) << "of " << texts.size();
  const auto padded = expected.padded(name);
  for (size_t i = 0; i < padded.size(); ++i) {
    EXPECT_EQ(tokenizer.encode_padded(texts[i], padded_length), padded[i]) << printable(texts[i]);
  }
}

const std::filesystem::path kFixtures = ICLORA_FIXTURES;

// toy-dev holds vocab.json + merges.txt and spiece.model, toy-schnell tokenizer.json; the
// vocabularies are the same.
TEST(TokenizerParity, ClipEqualsTransformersFromBothForms) {
  const Expected expected(kFixtures / "tokenizers.safetensors");
  for (const char* model : {"toy-dev", "toy-schnell"}) {
    expect_equal(ClipTokenizer::open(kFixtures / "models" / model / "tokenizer"), expected, "clip",
                 77);
  }
}

TEST(TokenizerParity, T5EqualsTransformersFromBothForms) {
  const Expected expected(kFixtures / "tokenizers.safetensors");
  for (const char* model : {"toy-dev", "toy-schnell"}) {
    const auto tokenizer = T5Tokenizer::open(kFixtures / "models" / model / "tokenizer_2");
    EXPECT_EQ(tokenizer.model_max_length(), std::string(model) == "toy-dev" ? 64 : 128);
    expect_equal(tokenizer, expected, "t5", 64);
  }
}

// The vocabularies that FLUX.1's folders carry (tests/fixtures/tokenizers/published/README.md): a
// pre-tokenizer or a tie between merges that small ones never meet would be found here.
TEST(TokenizerParity, ThePublishedVocabulariesEqualTransformers) {
  const std::filesystem::path folder = kFixtures / "tokenizers" / "published";
  const Expected expected(folder / "expected.safetensors");
  expect_equal(ClipTokenizer::open(folder / "clip"), expected, "clip", 77);
  expect_equal(T5Tokenizer::open(folder / "t5"), expected, "t5", 64);
}

TEST(Tokenizers, BytesThatAreNotUtf8BecomeReplacementCharacters) {
  const auto clip = ClipTokenizer::open(kFixtures / "models/toy-dev/tokenizer");
  const auto t5 = T5Tokenizer::open(kFixtures / "models/toy-dev/tokenizer_2");
  EXPECT_EQ(clip.encode("a \xff b"), clip.encode("a \uFFFD b"));
  EXPECT_EQ(t5.encode("a \xc3 b"), t5.encode("a \uFFFD b"));
}

}  // namespace
}  // namespace iclora::tokenizers
