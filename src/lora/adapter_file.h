#pragma once
// A LoRA file as pairs of tensors by module name. No tensor library: what a file holds can be
// listed without one.

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "weights/checkpoint.h"

namespace iclora::lora {

/// A rectangle of a stored matrix.
struct Block {
  std::string key;
  int64_t row = 0, rows = 0;
  int64_t column = 0, columns = 0;
  bool halves_swapped = false;  ///< of its rows: the second half comes first (key_layouts.h)
};

/// The two halves of one module's update: W += scale * B A.
struct Pair {
  std::string module;  ///< diffusers' name, e.g. "transformer_blocks.0.attn.to_q"
  Block a;             ///< [rank, in]
  Block b;             ///< [out, rank]
  int64_t rank = 0;
  int64_t in_features = 0;
  int64_t out_features = 0;
  double scale = 1.0;  ///< alpha / rank, from the file
};

struct AdapterFile {
  std::filesystem::path path;
  weights::Checkpoint checkpoint;
  std::string layout;                     ///< of its keys (key_layouts.h); of the first by name
  std::vector<Pair> pairs;                ///< ordered by module
  std::vector<std::string> unknown_keys;  ///< tensors that are no half of a pair
  std::optional<Json> iclora;             ///< the `iclora` metadata: task, grid, panel, ...
};

/// Reads a file in any of the layouts of key_layouts.h. A matrix that diffusers has as several
/// modules is several pairs: each with its own part of the rank where the parts of B do not
/// overlap, as programs write that fuse them, else all with the whole of A. The scale comes from
/// the module's alpha, else from the `lora_adapter_metadata` of the file, else it is 1 (a file
/// without either is already scaled).
/// Errors (exit 2) name the tensor: an empty file, half a pair, ranks of the halves that differ,
/// something that is not a matrix, a rank above the layer's size, a module that stands there twice.
AdapterFile read_adapter(const std::filesystem::path& path);

}  // namespace iclora::lora
