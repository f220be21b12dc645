#pragma once
// An adapter's file anew, under the names that another program looks for. What it does stays the
// same: matrices are joined and cut, never multiplied out.

#include <filesystem>
#include <string_view>

#include "lora/adapter_file.h"

namespace iclora::lora {

/// Under whose names (key_layouts.h).
enum class Target {
  diffusers,  ///< `transformer.` + diffusers' modules, scale folded into B, no alpha; also ours
  kohya,      ///< `lora_unet_` + Black Forest Labs' modules, with alpha
  comfyui,    ///< `diffusion_model.` + Black Forest Labs' modules, with alpha
};

/// None for another name.
std::optional<Target> target_from_name(std::string_view name);

/// Writes the adapter to `out`, atomically, in its own dtypes, and returns how many tensors that
/// are. What the file says of itself goes along; what is no longer true of it (hashes, PEFT's
/// settings) is written anew or left out. For Black Forest Labs' names queries, keys and values
/// become one matrix, each with its own part of the rank, or with the same A where they have the
/// same; a missing one has rows of zeros. `allow_unmatched`: tensors that are no half of a pair are
/// left out. Errors (exit 2): such tensors, values that are not finite, modules that Black Forest
/// Labs' names have no word for.
size_t convert_adapter(const AdapterFile& adapter, Target to, const std::filesystem::path& out,
                       bool allow_unmatched);

}  // namespace iclora::lora
