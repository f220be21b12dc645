#include "weights/coverage.h"

#include <set>

#include <fmt/format.h>

namespace iclora::weights {
namespace {

/// The other spelling of a name, where files have two (design 4.2).
std::string other_spelling(const std::string& name) {
  constexpr std::string_view kClip = "text_model.";
  if (name.starts_with(kClip)) return name.substr(kClip.size());
  if (name == "shared.weight") return "encoder.embed_tokens.weight";
  if (name == "encoder.embed_tokens.weight") return "shared.weight";
  return name;
}

std::string shape_text(const std::vector<int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

}  // namespace

Coverage coverage_of(const Checkpoint& checkpoint, const std::vector<ParameterSpec>& parameters) {
  Coverage out;
  out.expected = static_cast<int64_t>(parameters.size());
  std::set<std::string> expected;
  for (const ParameterSpec& parameter : parameters) {
    const std::string other = other_spelling(parameter.name);
    expected.insert({parameter.name, other});
    const StoredTensor* tensor = checkpoint.find(parameter.name);
    if (tensor == nullptr) tensor = checkpoint.find(other);
    if (tensor == nullptr) {
      out.missing.push_back(parameter.name);
    } else if (tensor->shape != parameter.shape) {
      out.wrong_shape.push_back(fmt::format("{} is {}, expected {}", parameter.name,
                                            shape_text(tensor->shape),
                                            shape_text(parameter.shape)));
    } else {
      ++out.found;
    }
  }
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    if (!expected.contains(name)) out.unexpected.push_back(name);
  }
  return out;
}

bool is_no_part_of_encoder(const std::string& name) {
  return name.starts_with("decoder.") || name.starts_with("lm_head.") ||
         name.starts_with("text_projection.") || name.starts_with("visual_projection.") ||
         name.starts_with("vision_model.") || name.ends_with("logit_scale") ||
         name.ends_with("embeddings.position_ids");
}

}  // namespace iclora::weights
