#include "cli/model_coverage.h"

#include "core/error.h"
#include "flux/config.h"
#include "text/clip_config.h"
#include "text/t5_config.h"
#include "vae/config.h"
#include "weights/coverage.h"

namespace iclora::cli {
namespace {

Json compare(const weights::Component& component,
             const std::vector<weights::ParameterSpec>& parameters) {
  const weights::Coverage coverage =
      weights::coverage_of(weights::Checkpoint::open(component.folder), parameters);
  return {{"expected", coverage.expected},
          {"found", coverage.found},
          {"missing", coverage.missing},
          {"wrong_shape", coverage.wrong_shape},
          {"unexpected", coverage.unexpected}};
}

std::string origin_of(const weights::Component& component) {
  return "'" + printable(component.config_path.native(), 400) + "'";
}

}  // namespace

Json model_coverage(const weights::ModelFolder& model) {
  const weights::Component& transformer = model.transformer;
  const weights::Component& clip = model.text_encoder;
  const weights::Component& t5 = model.text_encoder_2;
  const weights::Component& vae = model.vae;
  return {
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
