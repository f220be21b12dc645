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

/// The two halves of one module's update: W += scale * B A.
struct Pair {
  std::string module;  ///< diffusers' name, e.g. "transformer_blocks.0.attn.to_q"
  std::string a_key;   ///< in the file; [rank, in]
  std::string b_key;   ///< in the file; [out, rank]
  int64_t rank = 0;
  int64_t in_features = 0;
  int64_t out_features = 0;
  double scale = 1.0;  ///< alpha / rank, from the file
};

struct AdapterFile {
  std::filesystem::path path;
  weights::Checkpoint checkpoint;
  std::vector<Pair> pairs;                ///< ordered by module
  std::vector<std::string> unknown_keys;  ///< tensors that are no half of a pair
  std::optional<Json> iclora;             ///< the `iclora` metadata: task, grid, panel, ...
};

/// Reads the diffusers layout: `transformer.<module>.lora_A.weight` / `.lora_B.weight`, with
/// `<module>.alpha` where there is one. The scale comes from alpha, else from the
/// `lora_adapter_metadata` of the file, else it is 1
/// (a file without either is already scaled).
/// Errors (exit 2) name the tensor: an empty file, half a pair, ranks of the halves that differ,
/// something that is not a matrix, a rank above the layer's size.
AdapterFile read_adapter(const std::filesystem::path& path);

}  // namespace iclora::lora
