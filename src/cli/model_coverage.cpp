#include <filesystem>

#include "cli/library/verbs.h"
#include "core/error.h"
#include "flux/config.h"
#include "text/clip.h"
#include "text/t5.h"
#include "vae/config.h"
#include "weights/checkpoint.h"
#include "weights/model_folder.h"

namespace iclora::cli {
namespace {

using weights::ParameterSpec;
using weights::StoredTensor;

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

Json compare(const weights::Component& component, const std::vector<ParameterSpec>& parameters) {
  const weights::Checkpoint checkpoint = weights::Checkpoint::open(component.folder);
  std::map<std::string, bool> expected;
  Json report = {{"expected", parameters.size()},
                 {"found", 0},
                 {"missing", Json::array()},
                 {"wrong_shape", Json::array()},
                 {"unexpected", Json::array()}};
  int64_t found = 0;
  for (const ParameterSpec& parameter : parameters) {
    const std::string other = other_spelling(parameter.name);
    expected[parameter.name] = expected[other] = true;
    const StoredTensor* tensor = checkpoint.find(parameter.name);
    if (tensor == nullptr) tensor = checkpoint.find(other);
    if (tensor == nullptr) {
      report["missing"].push_back(parameter.name);
    } else if (tensor->shape != parameter.shape) {
      report["wrong_shape"].push_back(fmt::format("{} is {}, expected {}", parameter.name,
                                                  shape_text(tensor->shape),
                                                  shape_text(parameter.shape)));
    } else {
      ++found;
    }
  }
  report["found"] = found;
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    if (!expected.contains(name)) report["unexpected"].push_back(name);
  }
  return report;
}

std::string origin_of(const weights::Component& component) {
  return "'" + printable(component.config_path.native(), 400) + "'";
}

}  // namespace

Json model_coverage(const Json& request, Progress&) {
  const auto model = weights::open_model_folder(json_string(request, "path", "the request"));
  const weights::Component& transformer = model.transformer;
  const weights::Component& clip = model.text_encoder;
  const weights::Component& t5 = model.text_encoder_2;
  const weights::Component& vae = model.vae;
  return Json{
      {"transformer", compare(transformer, flux::parameters(flux::config_from_json(
                                               transformer.config, origin_of(transformer))))},
      {"text_encoder",
       compare(clip, text::parameters(text::clip_config_from_json(clip.config, origin_of(clip))))},
      {"text_encoder_2",
       compare(t5, text::parameters(text::t5_config_from_json(t5.config, origin_of(t5))))},
      {"vae", compare(vae, iclora::vae::parameters(
                               iclora::vae::config_from_json(vae.config, origin_of(vae))))}};
}

}  // namespace iclora::cli
