#pragma once
// Packs of drawings with captions and labels, as tools/world writes them: shards of
//
//   NAME.safetensors   images uint8 [N, 64, 64, 3], of canvases [N, P, 64, 64, 3] with the panels
//                      in reading order and "grid" (RxC) in the metadata; labels int16
//                      [N, C] or [N, P, C], -1 where a column does not apply
//   NAME.jsonl         line i: {"captions": ...} of drawing i, several wordings
//   classes.json       the columns and their classes

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "panels/grid.h"
#include "tokenizers/clip_tokenizer.h"
#include "tokenizers/t5_tokenizer.h"
#include "weights/safetensors.h"

namespace iclora::pretrain {

/// What the labels mean.
struct Classes {
  std::vector<std::string> columns;
  std::vector<int64_t> sizes;  ///< classes of each column
  int64_t total() const;       ///< of all columns together
  bool operator==(const Classes&) const = default;
};

/// One wording, in tokens.
struct Caption {
  std::vector<int32_t> t5;    ///< with </s>
  std::vector<int32_t> clip;  ///< with both ends, cut to CLIP's length
  /// A panel's tokens in `t5`: from the end of the one before (the overall part for the first) to
  /// `part_ends[p]`.
  std::vector<int32_t> part_begins, part_ends;
  std::vector<int32_t> says;  ///< a panel: bit c set where the text tells column c
};

/// Drawings of one grid.
struct Shard {
  panels::Grid grid{1, 1};
  std::shared_ptr<const weights::SafetensorsFile> file;
  at::Tensor images;                           ///< uint8 [N, P, H, W, 3], mapped
  at::Tensor labels;                           ///< int16 [N, P, C], mapped
  std::vector<std::vector<Caption>> captions;  ///< [N][wordings]; empty where not asked for

  int64_t size() const { return images.size(0); }
  int64_t panels() const { return images.size(1); }
  /// The canvas of drawing i: uint8 [H, W, 3].
  at::Tensor canvas(int64_t i) const;
};

struct Pack {
  std::filesystem::path path;
  Classes classes;
  std::vector<Shard> shards;
};

/// Reads shards and, where tokenizers are given, captions in tokens. Errors (exit 2) name the file.
Pack read_pack(const std::filesystem::path& path, const tokenizers::T5Tokenizer* t5,
               const tokenizers::ClipTokenizer* clip);

/// uint8 [..., H, W, 3] -> fp32 [..., 3, H, W] in -1..1.
at::Tensor to_pixels(const at::Tensor& images);

}  // namespace iclora::pretrain
