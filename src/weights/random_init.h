#pragma once
// Model files with random weights, any size, shard by shard in bounded memory.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/progress.h"
#include "weights/dtype.h"
#include "weights/parameter.h"

namespace iclora::weights {

struct RandomInit {
  uint64_t seed = 0;
  Dtype dtype = Dtype::bf16;                         ///< F32 or BF16
  uint64_t maximum_shard_bytes = 10'000'000'000ULL;  ///< as the published files have it
};

/// Writes `folder`/`stem`.safetensors, or numbered shards with `stem`.safetensors.index.json where
/// one file would be larger than a shard. A value depends on the seed, the tensor's name and the
/// element's index alone.
void write_random_weights(const std::filesystem::path& folder, const std::string& stem,
                          const std::vector<ParameterSpec>& parameters, const RandomInit& init,
                          Progress& progress);

}  // namespace iclora::weights
