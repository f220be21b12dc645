#include "sampling/picture.h"

#include "core/error.h"
#include "image/png_chunks.h"

namespace iclora::sampling {
namespace {

constexpr int kVersion = 1;

std::string parameters_text(const Resolved& resolved, const Request& request) {
  std::string text = resolved.joint_prompt;
  if (request.negative_prompt) text += "\nNegative prompt: " + *request.negative_prompt;
  std::string loras;
  for (const LoraChoice& choice : request.loras) {
    loras += fmt::format("{}{}: {}", loras.empty() ? "" : ", ",
                         std::filesystem::path(choice.file).stem().native(), choice.strength);
  }
  text += fmt::format(
      "\nSteps: {}, Sampler: Euler, Schedule type: Simple, CFG scale: {}, Distilled CFG Scale: {}, "
      "Seed: {}, Size: {}x{}, Model: {}",
      request.steps, request.cfg, request.guidance, *request.seed, resolved.layout.width,
      resolved.layout.height, resolved.folder.path.filename().native());
  if (!loras.empty()) text += ", Lora hashes: \"" + loras + "\"";
  return text + ", Version: iclora";
}

}  // namespace

image::Texts picture_texts(const Resolved& resolved, int64_t index, const std::string& build) {
  Request request = resolved.request;
  *request.seed += static_cast<uint64_t>(index);
  if (request.noise) request.noise_index += index;
  request.count = 1;
  Json json = {{"version", kVersion},
               {"request", request_to_json(request)},
               {"prompt", resolved.joint_prompt},
               {"layout", panels::layout_to_json(resolved.layout)},
               {"model_sha256", resolved.model_sha256}};
  if (!resolved.loras_sha256.empty()) json["loras_sha256"] = resolved.loras_sha256;
  if (!build.empty()) json["build"] = build;
  return {{"parameters", parameters_text(resolved, request)}, {"iclora", json.dump()}};
}

Request request_of_picture(const std::filesystem::path& picture) {
  const std::string origin = "'" + printable(picture.native(), 400) + "'";
  const image::TextChunks texts = image::read_texts(picture);
  const auto found = texts.find("iclora");
  if (found == texts.end()) {
    fail_input(
        "{} carries no request of iclora; it was made by another program, or its texts were "
        "removed.",
        origin);
  }
  const Json json = parse_json(found->second, origin + ": iclora");
  if (!json.is_object() || json_integer_or(json, "version", origin, 0, 1 << 20, 0) != kVersion ||
      !json.contains("request")) {
    fail_input("{} carries a request of another version of iclora (expected version {}).", origin,
               kVersion);
  }
  return request_from_json(json["request"], origin + ": request");
}

}  // namespace iclora::sampling
