#include "lora/key_layouts.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace iclora::lora {
namespace {

constexpr size_t kMostParts = 4;

/// A module of Black Forest Labs' and those of diffusers' that share its rows.
struct Names {
  std::string_view theirs;
  std::array<std::string_view, kMostParts> diffusers;
};

// As diffusers' conversion of the published checkpoint maps them.
constexpr Names kDoubleBlock[] = {
    {"img_attn.qkv", {"attn.to_q", "attn.to_k", "attn.to_v"}},
    {"txt_attn.qkv", {"attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"}},
    {"img_attn.proj", {"attn.to_out.0"}},
    {"txt_attn.proj", {"attn.to_add_out"}},
    {"img_mlp.0", {"ff.net.0.proj"}},
    {"img_mlp.2", {"ff.net.2"}},
    {"txt_mlp.0", {"ff_context.net.0.proj"}},
    {"txt_mlp.2", {"ff_context.net.2"}},
    {"img_mod.lin", {"norm1.linear"}},
    {"txt_mod.lin", {"norm1_context.linear"}},
};
constexpr Names kSingleBlock[] = {
    {"linear1", {"attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"}},
    // ComfyUI's name for the rows of linear1 that are no MLP.
    {"linear1_qkv", {"attn.to_q", "attn.to_k", "attn.to_v"}},
    {"linear2", {"proj_out"}},
    {"modulation.lin", {"norm.linear"}},
};
constexpr Names kOutsideBlocks[] = {
    {"img_in", {"x_embedder"}},
    {"txt_in", {"context_embedder"}},
    {"time_in.in_layer", {"time_text_embed.timestep_embedder.linear_1"}},
    {"time_in.out_layer", {"time_text_embed.timestep_embedder.linear_2"}},
    {"vector_in.in_layer", {"time_text_embed.text_embedder.linear_1"}},
    {"vector_in.out_layer", {"time_text_embed.text_embedder.linear_2"}},
    {"guidance_in.in_layer", {"time_text_embed.guidance_embedder.linear_1"}},
    {"guidance_in.out_layer", {"time_text_embed.guidance_embedder.linear_2"}},
    {"final_layer.linear", {"proj_out"}},
    {"final_layer.adaLN_modulation.1", {"norm_out.linear"}},
};
constexpr std::string_view kSwapped = "final_layer.adaLN_modulation.1";

/// Where modules live, in both sets of names.
struct Stack {
  std::string_view theirs, diffusers;  ///< before the block's number; empty: there is none
  std::span<const Names> modules;
};
constexpr Stack kStacks[] = {{"double_blocks", "transformer_blocks", kDoubleBlock},
                             {"single_blocks", "single_transformer_blocks", kSingleBlock},
                             {"", "", kOutsideBlocks}};

/// XLabs' processors: 1 is the picture's half of a double block, 2 the text's.
constexpr std::pair<std::string_view, std::string_view> kProcessors[] = {
    {"qkv_lora1", "img_attn.qkv"},   {"qkv_lora2", "txt_attn.qkv"}, {"proj_lora1", "img_attn.proj"},
    {"proj_lora2", "txt_attn.proj"}, {"qkv_lora", "linear1_qkv"},   {"proj_lora", "linear2"},
};

constexpr std::pair<std::string_view, KeyParts::Half> kSuffixes[] = {
    {".lora_A.weight", KeyParts::a},
    {".lora_B.weight", KeyParts::b},
    {".lora_A.default.weight", KeyParts::a},
    {".lora_B.default.weight", KeyParts::b},
    {".lora_A", KeyParts::a},
    {".lora_B", KeyParts::b},
    {".lora_down.weight", KeyParts::a},
    {".lora_up.weight", KeyParts::b},
    {".lora.down.weight", KeyParts::a},
    {".lora.up.weight", KeyParts::b},
    {"_lora.down.weight", KeyParts::a},
    {"_lora.up.weight", KeyParts::b},
    {".lora_linear_layer.down.weight", KeyParts::a},
    {".lora_linear_layer.up.weight", KeyParts::b},
    {".alpha", KeyParts::alpha},
};

constexpr std::string_view kDiffusersPrefix = "transformer.";
constexpr std::string_view kDottedPrefixes[] = {kDiffusersPrefix, "base_model.model.",
                                                "model.diffusion_model.", "diffusion_model.", ""};
constexpr std::pair<std::string_view, std::string_view> kUnderscorePrefixes[] = {
    {"lora_unet_", "kohya"},
    {"lora_transformer_", "onetrainer"},
    {"lycoris_", "onetrainer"},
};

bool remove_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

/// The digits at the beginning of `text`, which are taken away; empty where there are none.
std::string_view take_number(std::string_view& text) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::string_view number = text.substr(0, digits);
  text.remove_prefix(digits);
  return number;
}

bool same_name(std::string_view text, std::string_view dotted, char separator) {
  return std::equal(text.begin(), text.end(), dotted.begin(), dotted.end(),
                    [&](char a, char b) { return a == (b == '.' ? separator : b); });
}

/// Takes the block's part off a name, HEAD, a number and a separator behind each: that part, dotted
/// and with `other` for HEAD. Nothing is taken where HEAD is empty; none where the name is of
/// another stack.
std::optional<std::string> take_block(std::string_view& name, std::string_view head,
                                      std::string_view other, char separator) {
  if (head.empty()) return std::string();
  const std::string_view between(&separator, 1);
  if (!remove_prefix(name, head) || !remove_prefix(name, between)) return std::nullopt;
  const std::string_view number = take_number(name);
  if (number.empty() || !remove_prefix(name, between)) return std::nullopt;
  std::string block(other);
  block.append(".").append(number).append(".");
  return block;
}

/// `name` in its dotted form when it is one of FLUX.1's modules; `separator` stands between its
/// parts, '.' or '_'. Both sets of names are known.
std::optional<std::string> known_module(std::string_view name, char separator) {
  for (const Stack& stack : kStacks) {
    for (const bool theirs : {true, false}) {
      const std::string_view head = theirs ? stack.theirs : stack.diffusers;
      std::string_view rest = name;
      const auto block = take_block(rest, head, head, separator);
      if (!block) continue;
      for (const Names& names : stack.modules) {
        if (theirs && same_name(rest, names.theirs, separator)) {
          return *block + std::string(names.theirs);
        }
        for (const std::string_view one : names.diffusers) {
          if (!theirs && !one.empty() && same_name(rest, one, separator)) {
            return *block + std::string(one);
          }
        }
      }
    }
  }
  return std::nullopt;
}

/// "double_blocks.0.processor.qkv_lora1.down.weight".
std::optional<KeyParts> split_processor(std::string_view key) {
  remove_prefix(key, "diffusion_model.");
  const size_t at = key.find(".processor.");
  if (at == std::string_view::npos) return std::nullopt;
  const std::string block(key.substr(0, at + 1));
  key.remove_prefix(at + std::string_view(".processor.").size());
  for (const auto& [theirs, module] : kProcessors) {
    std::string_view rest = key;
    if (!remove_prefix(rest, theirs)) continue;
    const bool down = rest == ".down.weight";
    const auto known = known_module(block + std::string(module), '.');
    if ((down || rest == ".up.weight") && known) {
      return KeyParts{"xlabs", *known, down ? KeyParts::a : KeyParts::b};
    }
  }
  return std::nullopt;
}

size_t part_count(const Names& names) {
  const auto& list = names.diffusers;
  return static_cast<size_t>(std::find(list.begin(), list.end(), std::string_view()) -
                             list.begin());
}

/// The entry of a module of Black Forest Labs', and its block's name in diffusers.
struct Found {
  const Names* names = nullptr;
  std::string block;
};

std::optional<Found> find_theirs(std::string_view module) {
  for (const Stack& stack : kStacks) {
    std::string_view rest = module;
    const auto block = take_block(rest, stack.theirs, stack.diffusers, '.');
    if (!block) continue;
    for (const Names& names : stack.modules) {
      if (names.theirs == rest) return Found{&names, *block};
    }
  }
  return std::nullopt;
}

/// The module's part of a key, whose prefix says how it is written.
std::optional<KeyParts> split_module(std::string_view name, KeyParts::Half half) {
  for (const auto& [prefix, layout] : kUnderscorePrefixes) {
    std::string_view rest = name;
    if (!remove_prefix(rest, prefix)) continue;
    const auto module = known_module(rest, '_');
    return module ? std::optional<KeyParts>({layout, *module, half}) : std::nullopt;
  }
  for (const std::string_view prefix : kDottedPrefixes) {
    std::string_view rest = name;
    if (!remove_prefix(rest, prefix) || rest.empty()) continue;
    if (const auto module = known_module(rest, '.')) {
      return KeyParts{find_theirs(*module) ? "comfyui" : "diffusers", *module, half};
    }
    if (prefix == kDiffusersPrefix) return KeyParts{"diffusers", std::string(rest), half};
  }
  return std::nullopt;
}

}  // namespace

std::optional<KeyParts> split_key(std::string_view key) {
  if (const auto processor = split_processor(key)) return processor;
  for (const auto& [suffix, half] : kSuffixes) {
    if (!key.ends_with(suffix)) continue;
    if (auto parts = split_module(key.substr(0, key.size() - suffix.size()), half)) return parts;
  }
  return std::nullopt;
}

std::vector<Part> parts_of(const std::string& module, int64_t in, int64_t out) {
  const auto found = find_theirs(module);
  if (!found) return {{module, 0, out}};
  const auto& names = found->names->diffusers;
  const auto count = static_cast<int64_t>(part_count(*found->names));
  // Queries, keys and values are as wide as what they are made of; the MLP has the rest.
  const int64_t width = count == 3 ? out / 3 : in;
  if ((count == 3 && out % 3 != 0) || (count == 4 && out <= 3 * in)) return {};
  std::vector<Part> parts;
  int64_t row = 0;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t rows = i + 1 == count ? out - row : width;
    parts.push_back({found->block + std::string(names.at(static_cast<size_t>(i))), row, rows,
                     found->names->theirs == kSwapped});
    row += rows;
  }
  return parts;
}

std::optional<Place> place_of(const std::string& module) {
  for (const Stack& stack : kStacks) {
    std::string_view rest = module;
    const auto block = take_block(rest, stack.diffusers, stack.theirs, '.');
    if (!block) continue;
    for (const Names& names : stack.modules) {
      for (size_t part = 0; part < part_count(names); ++part) {
        if (names.diffusers.at(part) != rest) continue;
        return Place{*block + std::string(names.theirs), part, part_count(names),
                     names.theirs == kSwapped};
      }
    }
  }
  return std::nullopt;
}

}  // namespace iclora::lora
