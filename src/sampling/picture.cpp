#include "sampling/picture.h"

#include "core/error.h"
#include "image/png_chunks.h"

namespace iclora::sampling {
namespace {

constexpr int kVersion = 1;

/// The form of AUTOMATIC1111's web UI, which galleries read: adapters stand in the prompt with
/// their strengths, and are found by the first ten digits of their files' hashes (AutoV2).
std::string parameters_text(const Resolved& resolved, const Request& request) {
  std::string text = resolved.joint_prompt;
  std::string loras;
  for (size_t i = 0; i < request.loras.size(); ++i) {
    const std::string name = std::filesystem::path(request.loras[i].file).stem().native();
    text += fmt::format(" <lora:{}:{}>", name, request.loras[i].strength);
    loras += fmt::format("{}{}: {}", loras.empty() ? "" : ", ", name,
                         resolved.loras_sha256.at(i).substr(0, 10));
  }
  if (request.negative_prompt) text += "\nNegative prompt: " + *request.negative_prompt;
  text += fmt::format(
      "\nSteps: {}, Sampler: Euler, Schedule type: Simple, CFG scale: {}, Distilled CFG Scale: {}, "
      "Seed: {}, Size: {}x{}, Model: {}",
      request.steps, request.cfg, request.guidance, *request.seed, resolved.layout.width,
      resolved.layout.height, resolved.folder.path.filename().native());
  if (!loras.empty()) text += ", Lora hashes: \"" + loras + "\"";
  return text + ", Version: iclora";
}

std::string quoted(const std::filesystem::path& path) {
  return "'" + printable(path.native(), 400) + "'";
}

/// What the picture says of itself, in this version's form.
Json story_of(const std::filesystem::path& picture) {
  const std::string origin = quoted(picture);
  const image::TextChunks texts = image::read_texts(picture);
  const auto found = texts.find("iclora");
  if (found == texts.end()) {
    fail_input(
        "{} carries no request of iclora; it was made by another program, or its texts were "
        "removed.",
        origin);
  }
  Json json = parse_json(found->second, origin + ": iclora");
  if (!json.is_object() || json_integer_or(json, "version", origin, 0, 1 << 20, 0) != kVersion ||
      !json.contains("request")) {
    fail_input("{} carries a request of another version of iclora (expected version {}).", origin,
               kVersion);
  }
  return json;
}

/// The name as it stands where there is such a file or folder; else the nearest one on the way up
/// from the picture's folder, or one of that name beside the picture.
std::string found_near(const std::filesystem::path& picture, const std::string& name) {
  std::error_code ignored;
  const std::filesystem::path path(name);
  if (name.empty() || std::filesystem::exists(path, ignored)) return name;
  const std::filesystem::path home = std::filesystem::absolute(picture, ignored).parent_path();
  if (path.is_relative()) {
    for (std::filesystem::path folder = home;; folder = folder.parent_path()) {
      if (std::filesystem::exists(folder / path, ignored)) return (folder / path).native();
      if (folder == folder.parent_path()) break;
    }
  }
  const std::filesystem::path beside = home / path.filename();
  return std::filesystem::exists(beside, ignored) ? beside.native() : name;
}

void refuse_other(const std::filesystem::path& picture, const char* what, const std::string& name,
                  const std::string& found, const std::string& expected, const char* option) {
  fail_input(
      "{} was made with another {} than '{}' is now: its hash is {}, expected {}; put that one "
      "back, or take this one with {}.",
      quoted(picture), what, printable(name, 400), found.substr(0, 16),
      printable(expected.substr(0, 16)), option);
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
  if (!resolved.noise_sha256.empty()) json["noise_sha256"] = resolved.noise_sha256;
  if (!build.empty()) json["build"] = build;
  return {{"parameters", parameters_text(resolved, request)}, {"iclora", json.dump()}};
}

Request request_of_picture(const std::filesystem::path& picture) {
  Request request = request_from_json(story_of(picture)["request"], quoted(picture) + ": request");
  // A model may also be a name; one with a slash is a folder.
  if (request.model.find('/') != std::string::npos) {
    request.model = found_near(picture, request.model);
  }
  for (LoraChoice& choice : request.loras) choice.file = found_near(picture, choice.file);
  for (GivenPicture& given : request.given) given.image = found_near(picture, given.image);
  if (request.noise) request.noise = found_near(picture, *request.noise);
  return request;
}

void check_made_from(const std::filesystem::path& picture, const Json& asked,
                     const Resolved& resolved) {
  const Json story = story_of(picture);
  const std::string origin = quoted(picture);
  const Request& request = resolved.request;
  const std::string model = json_string_or(story, "model_sha256", origin, "");
  if (!asked.contains("model") && !model.empty() && model != resolved.model_sha256) {
    refuse_other(picture, "model", request.model, resolved.model_sha256, model, "--model");
  }
  const Json loras = story.value("loras_sha256", Json::array());
  if (!asked.contains("loras") && loras.size() == resolved.loras_sha256.size()) {
    for (size_t i = 0; i < loras.size(); ++i) {
      if (loras[i] == resolved.loras_sha256[i]) continue;
      refuse_other(picture, "adapter", request.loras[i].file, resolved.loras_sha256[i],
                   loras[i].is_string() ? loras[i].get<std::string>() : loras[i].dump(), "--lora");
    }
  }
  const std::string noise = json_string_or(story, "noise_sha256", origin, "");
  if (!asked.contains("noise") && request.noise && !noise.empty() &&
      noise != resolved.noise_sha256) {
    refuse_other(picture, "noise", *request.noise, resolved.noise_sha256, noise, "--noise");
  }
}

}  // namespace iclora::sampling
