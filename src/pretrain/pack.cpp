#include "pretrain/pack.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

#include "core/error.h"
#include "core/file.h"
#include "core/json.h"
#include "nn/pieces.h"

namespace iclora::pretrain {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLinesAtOnce = 256;

std::string quoted(const fs::path& path) {
  return "'" + printable(path.native(), 400) + "'";
}

Classes read_classes(const fs::path& path) {
  const Json json = read_json(path);
  const std::string origin = quoted(path);
  Classes classes;
  if (!json.contains("columns") || !json.contains("classes")) {
    fail_input("{} must have 'columns' and 'classes'.", origin);
  }
  for (const Json& column : json.at("columns")) {
    const auto name = column.get<std::string>();
    if (!json.at("classes").contains(name)) {
      fail_input("{}: column '{}' has no classes.", origin, printable(name));
    }
    classes.columns.push_back(name);
    classes.sizes.push_back(static_cast<int64_t>(json.at("classes").at(name).size()));
  }
  return classes;
}

/// A stored tensor where it is mapped.
at::Tensor mapped(const weights::SafetensorsFile& file, const std::string& name,
                  weights::Dtype dtype, at::ScalarType type) {
  for (const weights::TensorEntry& entry : file.entries()) {
    if (entry.name != name) continue;
    if (entry.dtype != dtype) {
      fail_input("{}: tensor '{}' has dtype {}, expected {}.", quoted(file.path()), name,
                 weights::name_of(entry.dtype), weights::name_of(dtype));
    }
    // libtorch has no read-only tensors; nothing writes here.
    auto* data = const_cast<std::byte*>(file.bytes(entry).data());  // NOLINT
    return at::from_blob(data, entry.shape, at::TensorOptions().dtype(type));
  }
  fail_input("{} has no tensor '{}'; it is no pack of drawings.", quoted(file.path()), name);
}

/// How many tokens `text` has, without </s>.
int32_t token_count(const tokenizers::T5Tokenizer& t5, std::string_view text) {
  return static_cast<int32_t>(t5.encode(text).size()) - 1;
}

Caption tokenize(const std::string& text, const std::vector<std::string>& parts,
                 const std::vector<int32_t>& says, const tokenizers::T5Tokenizer& t5,
                 const tokenizers::ClipTokenizer& clip, const std::string& origin) {
  Caption caption;
  caption.t5 = t5.encode(text);
  caption.clip = clip.encode(text);
  const auto longest = static_cast<size_t>(clip.model_max_length());
  if (caption.clip.size() > longest) {
    const int32_t end = caption.clip.back();
    caption.clip.resize(longest);
    caption.clip.back() = end;
  }
  caption.says = says;
  size_t from = 0;
  for (const std::string& part : parts) {
    const size_t begin = text.find(part, from);
    if (begin == std::string::npos) {
      fail_input("{}: the panel's text '{}' does not stand in the caption.", origin,
                 printable(part));
    }
    from = begin + part.size();
    // Words are tokenized one by one, so that the tokens of a text's beginning are the beginning of
    // its tokens.
    caption.part_begins.push_back(
        begin == 0 ? 0 : token_count(t5, std::string_view(text).substr(0, begin)));
    caption.part_ends.push_back(token_count(t5, std::string_view(text).substr(0, from)));
  }
  return caption;
}

std::vector<Caption> read_line(const Json& line, int64_t panels, const tokenizers::T5Tokenizer& t5,
                               const tokenizers::ClipTokenizer& clip, const std::string& origin) {
  std::vector<Caption> captions;
  for (const Json& entry : line.at("captions")) {
    if (entry.is_array()) {
      const auto text = entry.at(0).get<std::string>();
      captions.push_back(tokenize(text, {text}, {entry.at(1).get<int32_t>()}, t5, clip, origin));
    } else {
      captions.push_back(tokenize(entry.at("text").get<std::string>(),
                                  entry.at("panels").get<std::vector<std::string>>(),
                                  entry.at("says").get<std::vector<int32_t>>(), t5, clip, origin));
    }
    if (captions.back().says.size() != static_cast<size_t>(panels) ||
        captions.back().part_ends.size() != static_cast<size_t>(panels)) {
      fail_input("{}: a caption does not have {} parts.", origin, panels);
    }
  }
  if (captions.empty()) fail_input("{}: there is no caption.", origin);
  return captions;
}

std::vector<std::vector<Caption>> read_captions(const fs::path& path, const Shard& shard,
                                                const tokenizers::T5Tokenizer& t5,
                                                const tokenizers::ClipTokenizer& clip) {
  const std::string text = read_file(path, uint64_t{1} << 30);
  std::vector<std::string_view> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(std::string_view(text).substr(begin, end - begin));
    begin = end + 1;
  }
  if (static_cast<int64_t>(lines.size()) != shard.size()) {
    fail_input("{} has {} lines, but there are {} drawings.", quoted(path), lines.size(),
               shard.size());
  }
  std::vector<std::vector<Caption>> captions(lines.size());
  const auto read = [&](size_t i) {
    const std::string origin = fmt::format("{}: line {}", quoted(path), i + 1);
    const Json line = parse_json(lines[i], origin);
    try {
      captions[i] = read_line(line, shard.panels(), t5, clip, origin);
    } catch (const nlohmann::json::exception& error) {
      fail_input("{} is not as expected ({}).", origin, error.what());
    }
  };
  const auto pieces = static_cast<int64_t>((lines.size() + kLinesAtOnce - 1) / kLinesAtOnce);
  nn::for_pieces(pieces, [&](int64_t piece) {
    const size_t first = static_cast<size_t>(piece) * kLinesAtOnce;
    for (size_t i = first; i < std::min(first + kLinesAtOnce, lines.size()); ++i) read(i);
  });
  return captions;
}

Shard read_shard(const fs::path& path, const Classes& classes) {
  Shard shard;
  shard.file = weights::SafetensorsFile::open(path);
  shard.images = mapped(*shard.file, "images", weights::Dtype::u8, at::kByte);
  shard.labels = mapped(*shard.file, "labels", weights::Dtype::i16, at::kShort);
  if (const auto grid = shard.file->metadata().find("grid"); grid != shard.file->metadata().end()) {
    shard.grid = panels::parse_grid(grid->second);
  }
  if (shard.images.dim() == 4) shard.images = shard.images.unsqueeze(1);
  if (shard.labels.dim() == 2) shard.labels = shard.labels.unsqueeze(1);
  const int64_t panels = shard.grid.rows * shard.grid.columns;
  const bool fits = shard.images.dim() == 5 && shard.images.size(1) == panels &&
                    shard.images.size(4) == 3 && shard.images.size(2) % 16 == 0 &&
                    shard.images.size(3) % 16 == 0 && shard.images.size(0) > 0 &&
                    shard.labels.dim() == 3 && shard.labels.size(0) == shard.images.size(0) &&
                    shard.labels.size(1) == panels &&
                    shard.labels.size(2) == static_cast<int64_t>(classes.columns.size());
  if (!fits) {
    fail_input("{}: the drawings and labels do not fit the grid {} and the {} columns.",
               quoted(path), panels::to_string(shard.grid), classes.columns.size());
  }
  return shard;
}

}  // namespace

int64_t Classes::total() const {
  return std::accumulate(sizes.begin(), sizes.end(), int64_t{0});
}

at::Tensor Shard::canvas(int64_t i) const {
  const int64_t height = images.size(2);
  const int64_t width = images.size(3);
  return images.select(0, i)
      .view({grid.rows, grid.columns, height, width, 3})
      .permute({0, 2, 1, 3, 4})
      .reshape({grid.rows * height, grid.columns * width, 3});
}

Pack read_pack(const fs::path& path, const tokenizers::T5Tokenizer* t5,
               const tokenizers::ClipTokenizer* clip) {
  Pack pack;
  pack.path = path;
  pack.classes = read_classes(path / "classes.json");
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(path)) {
    if (entry.path().extension() == ".safetensors") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  if (files.empty()) fail_input("There are no drawings in {}.", quoted(path));
  for (const fs::path& file : files) {
    pack.shards.push_back(read_shard(file, pack.classes));
    if (t5 != nullptr) {
      pack.shards.back().captions =
          read_captions(fs::path(file).replace_extension(".jsonl"), pack.shards.back(), *t5, *clip);
    }
  }
  return pack;
}

at::Tensor to_pixels(const at::Tensor& images) {
  return images.to(at::kFloat).div(127.5).sub(1).movedim(-1, -3);
}

}  // namespace iclora::pretrain
