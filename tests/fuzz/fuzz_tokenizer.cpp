// The readers of tokenizer files. The first byte says which file the rest is; the text that is
// encoded where a tokenizer loads is fixed.

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "core/error.h"
#include "tokenizers/clip_tokenizer.h"
#include "tokenizers/t5_tokenizer.h"

namespace {

namespace fs = std::filesystem;
using namespace iclora;

constexpr std::string_view kText =
    "a Red fox, it's 12 <|startoftext|> caf\u00e9 e\u0301 </s> <pad>\xff x";

void write(const fs::path& path, std::string_view content) {
  std::ofstream(path, std::ios::binary) << content;
}

/// Splits "first, zero byte, second".
std::pair<std::string_view, std::string_view> halves(std::string_view text) {
  const size_t zero = std::min(text.find('\0'), text.size());
  return {text.substr(0, zero), zero < text.size() ? text.substr(zero + 1) : std::string_view()};
}

template <typename Tokenizer>
void open_and_encode(const fs::path& folder) {
  try {
    const Tokenizer tokenizer = Tokenizer::open(folder);
    tokenizer.encode(kText);
    tokenizer.encode_padded(kText, 16);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::input) throw;  // whatever the files hold is the user's
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  static const fs::path root = [] {
    std::string pattern = (fs::temp_directory_path() / "iclora-fuzz-XXXXXX").native();
    return fs::path(::mkdtemp(pattern.data()));
  }();
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  for (const fs::directory_entry& entry : fs::directory_iterator(root)) fs::remove(entry.path());
  switch (data[0] % 5) {
    case 0:
      write(root / "spiece.model", rest);
      write(root / "tokenizer_config.json", R"({"extra_ids":2})");
      open_and_encode<tokenizers::T5Tokenizer>(root);
      break;
    case 1:
      write(root / "tokenizer.json", rest);
      open_and_encode<tokenizers::T5Tokenizer>(root);
      break;
    case 2:
      write(root / "tokenizer.json", rest);
      open_and_encode<tokenizers::ClipTokenizer>(root);
      break;
    case 3: {
      const auto [vocabulary, merges] = halves(rest);
      write(root / "vocab.json", vocabulary);
      write(root / "merges.txt", merges);
      open_and_encode<tokenizers::ClipTokenizer>(root);
      break;
    }
    default: {
      const auto [config, specials] = halves(rest);
      write(root / "vocab.json", R"({"a":0,"a</w>":1,"<|startoftext|>":2,"<|endoftext|>":3})");
      write(root / "merges.txt", "#version: 0.2\n");
      write(root / "tokenizer_config.json", config);
      if (!specials.empty()) write(root / "special_tokens_map.json", specials);
      open_and_encode<tokenizers::ClipTokenizer>(root);
    }
  }
  return 0;
}
