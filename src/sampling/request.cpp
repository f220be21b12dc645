#include "sampling/request.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/error.h"
#include "core/nearest.h"

namespace iclora::sampling {
namespace {

const std::vector<std::string> kKeys = {
    "model",    "prompt",      "panel_prompts",   "negative_prompt", "cfg",       "grid",
    "panel",    "size",        "dialect",         "steps",           "guidance",  "seed",
    "count",    "loras",       "allow_unmatched", "text_length",     "dtype",     "device",
    "noise",    "noise_index", "given",           "condition",       "strength",  "given_timestep",
    "given_as", "given_fit",   "method",          "given_attention", "given_sees"};

constexpr int64_t kMostPanels = 1 << 16;

/// Reads one member if it is there and not null.
template <typename F>
void with(const Json& json, const char* key, const F& read) {
  const auto found = json.find(key);
  if (found != json.end() && !found->is_null()) read(*found);
}

Size size_from_text(const std::string& text, const std::string& key, const std::string& origin) {
  Size size;
  const size_t x = text.find('x');
  const auto number = [](std::string_view part, int64_t& out) {
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), out);
    return !part.empty() && error == std::errc() && end == part.data() + part.size();
  };
  if (x == std::string::npos || !number(std::string_view(text).substr(0, x), size.width) ||
      !number(std::string_view(text).substr(x + 1), size.height) || size.width < 1 ||
      size.height < 1 || size.width > 65536 || size.height > 65536) {
    fail_input("{}: '{}' must be WxH in pixels (such as 512x768, each 1 to 65536), but it is '{}'.",
               printable(origin), key, printable(text));
  }
  return size;
}

std::string size_to_text(const Size& size) {
  return fmt::format("{}x{}", size.width, size.height);
}

std::string checked_choice(const Json& json, const char* key, const std::string& origin,
                           const std::vector<std::string>& allowed) {
  std::string value = json_string(json, key, origin);
  if (std::find(allowed.begin(), allowed.end(), value) == allowed.end()) {
    fail_input("{}: '{}' must be one of {}, but it is '{}'.", printable(origin), key,
               fmt::join(allowed, ", "), printable(value));
  }
  return value;
}

double checked_number(const Json& json, const char* key, const std::string& origin, double low,
                      double high) {
  const double value = json_number(json, key, origin);
  if (!(value >= low && value <= high)) {
    fail_input("{}: '{}' must lie from {} to {}, but it is {}.", printable(origin), key, low, high,
               value);
  }
  return value;
}

std::vector<LoraChoice> loras_from_json(const Json& list, const std::string& origin) {
  if (!list.is_array()) fail_input("{}: 'loras' must be a list.", printable(origin));
  std::vector<LoraChoice> loras;
  for (const Json& entry : list) {
    if (!entry.is_object()) {
      fail_input("{}: each of 'loras' must be an object with 'file' and 'strength'.",
                 printable(origin));
    }
    LoraChoice choice;
    choice.file = json_string(entry, "file", origin + ": loras");
    if (entry.contains("strength")) {
      choice.strength = checked_number(entry, "strength", origin + ": loras", -100, 100);
    }
    loras.push_back(std::move(choice));
  }
  return loras;
}

std::vector<GivenPicture> given_from_json(const Json& list, const std::string& origin) {
  if (!list.is_array()) fail_input("{}: 'given' must be a list.", printable(origin));
  std::vector<GivenPicture> given;
  for (const Json& entry : list) {
    if (!entry.is_object()) {
      fail_input("{}: each of 'given' must be an object with 'panel' and 'image'.",
                 printable(origin));
    }
    const std::string place = origin + ": given";
    for (const auto& [key, value] : entry.items()) {
      if (key != "panel" && key != "image" && key != "cut" && key != "sha256") {
        fail_input("{}: '{}' is not a key of a given picture; it has panel, image, cut and sha256.",
                   printable(place), printable(key));
      }
    }
    GivenPicture one;
    one.panel = json_integer(entry, "panel", place, 1, kMostPanels);
    one.image = json_string(entry, "image", place);
    if (entry.contains("cut")) one.cut = json_integer(entry, "cut", place, 1, kMostPanels);
    one.sha256 = json_string_or(entry, "sha256", place, "");
    given.push_back(std::move(one));
  }
  std::stable_sort(given.begin(), given.end(),
                   [](const auto& a, const auto& b) { return a.panel < b.panel; });
  const auto twice = std::adjacent_find(
      given.begin(), given.end(), [](const auto& a, const auto& b) { return a.panel == b.panel; });
  if (twice != given.end()) {
    fail_input("{}: panel {} is given twice.", printable(origin), twice->panel);
  }
  return given;
}

/// What says how to keep to given panels.
void given_settings_from_json(const Json& json, const std::string& origin, Request& request) {
  const auto choice = [&](const char* key, std::optional<std::string>& value,
                          const std::vector<std::string>& allowed) {
    with(json, key, [&](const Json&) { value = checked_choice(json, key, origin, allowed); });
  };
  with(json, "given", [&](const Json& list) { request.given = given_from_json(list, origin); });
  choice("condition", request.condition, {"clean", "replace", "sdedit"});
  choice("given_timestep", request.given_timestep, {"shared", "zero"});
  choice("given_sees", request.given_sees, {"all", "given"});
  choice("given_as", request.given_as, {"pasted", "decoded"});
  choice("given_fit", request.given_fit, {"cover", "contain"});
  with(json, "strength",
       [&](const Json&) { request.strength = checked_number(json, "strength", origin, 0.001, 1); });
  with(json, "given_attention", [&](const Json&) {
    const double gain = json_number(json, "given_attention", origin);
    if (!std::isfinite(gain) || gain <= 0) {
      fail_input("{}: 'given_attention' must be a number above 0, but it is {}.", printable(origin),
                 gain);
    }
    request.given_attention = gain;
  });
}

Json given_to_json(const std::vector<GivenPicture>& given) {
  Json list = Json::array();
  for (const GivenPicture& one : given) {
    Json entry = {{"panel", one.panel}, {"image", one.image}};
    if (one.cut) entry["cut"] = *one.cut;
    if (!one.sha256.empty()) entry["sha256"] = one.sha256;
    list.push_back(entry);
  }
  return list;
}

}  // namespace

Request request_from_json(const Json& json, const std::string& origin) {
  if (!json.is_object()) fail_input("{} must be a JSON object.", printable(origin));
  for (const auto& [key, value] : json.items()) {
    if (std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end()) continue;
    const auto guess = nearest(key, kKeys);
    fail_input("{}: '{}' is not a key of a request{}.", printable(origin), printable(key),
               guess ? "; did you mean '" + *guess + "'?" : std::string());
  }
  Request request;
  request.model = json_string_or(json, "model", origin, "");
  request.prompt = json_string_or(json, "prompt", origin, "");
  with(json, "panel_prompts", [&](const Json& list) {
    if (!list.is_array()) fail_input("{}: 'panel_prompts' must be a list.", printable(origin));
    for (const Json& entry : list) {
      if (!entry.is_string()) {
        fail_input("{}: each of 'panel_prompts' must be a text.", printable(origin));
      }
      request.panel_prompts.push_back(entry.get<std::string>());
    }
  });
  with(json, "negative_prompt", [&](const Json&) {
    request.negative_prompt = json_string(json, "negative_prompt", origin);
  });
  with(json, "cfg",
       [&](const Json&) { request.cfg = checked_number(json, "cfg", origin, 0, 100); });
  with(json, "grid",
       [&](const Json&) { request.grid = panels::parse_grid(json_string(json, "grid", origin)); });
  with(json, "panel", [&](const Json&) {
    request.panel = size_from_text(json_string(json, "panel", origin), "panel", origin);
  });
  with(json, "size", [&](const Json&) {
    request.size = size_from_text(json_string(json, "size", origin), "size", origin);
  });
  if (request.panel && request.size) {
    fail_input(
        "{}: 'panel' and 'size' contradict each other; give the size of a panel or of the "
        "canvas.",
        printable(origin));
  }
  with(json, "dialect",
       [&](const Json&) { request.dialect = json_string(json, "dialect", origin); });
  with(json, "method", [&](const Json&) {
    request.method = checked_choice(json, "method", origin, {"canvas", "gdt"});
  });
  request.steps = json_integer_or(json, "steps", origin, 1, 10000, request.steps);
  with(json, "guidance",
       [&](const Json&) { request.guidance = checked_number(json, "guidance", origin, 0, 1000); });
  with(json, "seed", [&](const Json&) {
    request.seed = static_cast<uint64_t>(json_integer(json, "seed", origin, 0, INT64_MAX));
  });
  request.count = json_integer_or(json, "count", origin, 1, 100000, 1);
  with(json, "loras", [&](const Json& list) { request.loras = loras_from_json(list, origin); });
  request.allow_unmatched = json_bool_or(json, "allow_unmatched", origin, false);
  with(json, "text_length", [&](const Json&) {
    request.text_length = json_integer(json, "text_length", origin, 1, 512);
  });
  with(json, "dtype", [&](const Json&) {
    request.dtype = checked_choice(json, "dtype", origin, {"fp32", "bf16"});
  });
  with(json, "device", [&](const Json&) {
    request.device = checked_choice(json, "device", origin, {"cpu", "cuda"});
  });
  with(json, "noise", [&](const Json&) { request.noise = json_string(json, "noise", origin); });
  request.noise_index = json_integer_or(json, "noise_index", origin, 0, 1 << 20, 0);
  given_settings_from_json(json, origin, request);
  if (request.negative_prompt && request.cfg == 1.0) {
    fail_input("{}: 'negative_prompt' has no effect without 'cfg' above 1; give both.",
               printable(origin));
  }
  return request;
}

Json request_to_json(const Request& request) {
  const Request defaults;
  Json json;
  json["model"] = request.model;
  json["prompt"] = request.prompt;
  if (!request.panel_prompts.empty()) json["panel_prompts"] = request.panel_prompts;
  if (request.negative_prompt) json["negative_prompt"] = *request.negative_prompt;
  if (request.cfg != defaults.cfg) json["cfg"] = request.cfg;
  if (request.grid) json["grid"] = panels::to_string(*request.grid);
  if (request.panel) json["panel"] = size_to_text(*request.panel);
  if (request.size) json["size"] = size_to_text(*request.size);
  if (request.dialect) json["dialect"] = *request.dialect;
  if (request.method) json["method"] = *request.method;
  json["steps"] = request.steps;
  json["guidance"] = request.guidance;
  if (request.seed) json["seed"] = *request.seed;
  if (request.count != defaults.count) json["count"] = request.count;
  for (const LoraChoice& choice : request.loras) {
    json["loras"].push_back({{"file", choice.file}, {"strength", choice.strength}});
  }
  if (request.allow_unmatched) json["allow_unmatched"] = true;
  if (request.text_length) json["text_length"] = *request.text_length;
  if (request.dtype) json["dtype"] = *request.dtype;
  if (request.device) json["device"] = *request.device;
  if (request.noise) json["noise"] = *request.noise;
  if (request.noise_index != 0) json["noise_index"] = request.noise_index;
  if (!request.given.empty()) json["given"] = given_to_json(request.given);
  if (request.condition) json["condition"] = *request.condition;
  if (request.strength) json["strength"] = *request.strength;
  if (request.given_timestep) json["given_timestep"] = *request.given_timestep;
  if (request.given_sees) json["given_sees"] = *request.given_sees;
  if (request.given_attention) json["given_attention"] = *request.given_attention;
  if (request.given_as) json["given_as"] = *request.given_as;
  if (request.given_fit) json["given_fit"] = *request.given_fit;
  return json;
}

}  // namespace iclora::sampling
