#pragma once
// The names that tensors of LoRA files go by. The same update of the same layer is called
//
//   transformer.transformer_blocks.0.attn.to_out.0.lora_A.weight        diffusers (PEFT)
//   diffusion_model.double_blocks.0.img_attn.proj.lora_A.weight         comfyui; also
//   base_model.model. lora_unet_double_blocks_0_img_attn_proj.lora_down.weight            kohya
//   lora_transformer_transformer_blocks_0_attn_to_out_0.lora_down.weight   onetrainer; also
//   lycoris_ double_blocks.0.processor.proj_lora1.down.weight                    xlabs
//
// by what wrote the file. Two sets of module names lie behind them: diffusers', and those of Black
// Forest Labs' own checkpoints, in which q, k, v (and in single blocks the MLP's first layer) are
// one matrix.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace iclora::lora {

/// One tensor's name, taken apart.
struct KeyParts {
  enum Half { a, b, alpha };
  std::string_view layout;  ///< "diffusers" | "comfyui" | "kohya" | "onetrainer" | "xlabs"
  std::string module;       ///< dotted, diffusers' name or Black Forest Labs'
  Half half = a;
};

/// None where the name is no half of a pair and no alpha, or its module none of FLUX.1's. After
/// `transformer.` any module may stand.
std::optional<KeyParts> split_key(std::string_view key);

/// The rows of a stored B that belong to one module of diffusers'.
struct Part {
  std::string module;
  int64_t row = 0;
  int64_t rows = 0;
  /// Its two halves have changed places: diffusers' last modulation is scale, shift, Black Forest
  /// Labs' is shift, scale.
  bool halves_swapped = false;
};

/// `module` as split_key names it, with an update of [out, in]: the modules of diffusers' that it
/// is, in the order of their rows. Empty where the rows cannot be shared out among them.
std::vector<Part> parts_of(const std::string& module, int64_t in, int64_t out);

/// Where Black Forest Labs' checkpoints have one of diffusers' modules.
struct Place {
  std::string module;  ///< dotted, theirs
  size_t part = 0;     ///< which of the parts that share its rows
  size_t parts = 1;
  bool halves_swapped = false;
};

/// None where they have no such module.
std::optional<Place> place_of(const std::string& module);

}  // namespace iclora::lora
