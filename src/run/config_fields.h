#pragma once
// The one list of the native configuration's fields. A visitor is called with every key in order:
//
//   section(key, fields)              a map with fixed keys
//   optional_section(key, value, fields)
//   text(key, value, rule)            a text
//   choice(key, value, names)         an enumeration, by its names in order
//   integer(key, value, low, high)
//   number(key, value, Range)
//   value(key, expected, parse, print)   anything else; parse says whether it fits, or throws

#include <array>
#include <cstdint>
#include <limits>
#include <regex>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/pattern.h"
#include "panels/layout.h"
#include "run/config.h"

namespace iclora::run {

inline constexpr int64_t kMostSteps = 1'000'000'000;
inline constexpr int64_t kLargestSeed = std::numeric_limits<int64_t>::max();

enum class TextRule { any, name, required };

/// low <= x <= high, or low < x and x < high where a side is open.
struct Range {
  double low, high;
  bool low_open = false, high_open = false;
};

inline constexpr std::array<std::string_view, 2> kMethods = {"canvas", "gdt"};
inline constexpr std::array<std::string_view, 2> kFits = {"cover", "contain"};
inline constexpr std::array<std::string_view, 3> kSchedules = {"constant", "linear", "cosine"};
inline constexpr std::array<std::string_view, 1> kOptimizers = {"adamw"};
inline constexpr std::array<std::string_view, 2> kGivenTimesteps = {"shared", "zero"};
inline constexpr std::array<std::string_view, 2> kGivenSees = {"all", "given"};
inline constexpr std::array<std::string_view, 2> kPrecisions = {"bf16", "fp32"};
inline constexpr std::array<std::string_view, 3> kSavePrecisions = {"bf16", "fp16", "fp32"};
inline constexpr std::array<std::string_view, 2> kTimestepSamplings = {"logit_normal", "uniform"};

inline std::optional<std::vector<std::string>> texts_of(const Json& json) {
  if (!json.is_array()) return std::nullopt;
  std::vector<std::string> texts;
  for (const Json& entry : json) {
    if (!entry.is_string()) return std::nullopt;
    texts.push_back(entry.get<std::string>());
  }
  return texts;
}

inline bool parse_targets(const Json& json, LoraTargets& targets) {
  using Kind = LoraTargets::Kind;
  if (json.is_string()) {
    if (json == "all") targets = {Kind::all, {}};
    if (json == "attention") targets = {Kind::attention, {}};
    if (json == "full") targets = {Kind::full, {}};
    return json == "all" || json == "attention" || json == "full";
  }
  const auto patterns = texts_of(json);
  if (!patterns || patterns->empty()) return false;
  for (const std::string& pattern : *patterns) {
    try {
      const Pattern compiled(pattern);
    } catch (const std::invalid_argument& error) {
      fail_input("'{}' is not a regular expression that can be used here ({})", printable(pattern),
                 error.what());
    }
  }
  targets = {Kind::patterns, *patterns};
  return true;
}

inline Json print_targets(const LoraTargets& targets) {
  switch (targets.kind) {
    case LoraTargets::Kind::all:
      return "all";
    case LoraTargets::Kind::attention:
      return "attention";
    case LoraTargets::Kind::full:
      return "full";
    case LoraTargets::Kind::patterns:
      break;
  }
  return targets.patterns;
}

/// "64x96", width first.
inline bool parse_panel(const Json& json, std::optional<PanelSize>& panel) {
  panel.reset();
  if (json == "auto") return true;
  static const std::regex form("([0-9]{1,5})x([0-9]{1,5})");
  std::smatch match;
  if (!json.is_string()) return false;
  const auto text = json.get<std::string>();
  if (!std::regex_match(text, match, form)) return false;
  panel = {std::stoll(match[1]), std::stoll(match[2])};
  panels::check_token_multiple(panel->width, panel->height, "the panel");
  return panel->width <= panels::kLargestCanvas && panel->height <= panels::kLargestCanvas;
}

inline bool parse_resolutions(const Json& json, std::vector<int64_t>& resolutions) {
  if (!json.is_array() || json.size() > 64) return false;
  resolutions.clear();
  for (const Json& entry : json) {
    if (!entry.is_number_integer() || entry < panels::kToken || entry > panels::kLargestCanvas) {
      return false;
    }
    resolutions.push_back(entry.get<int64_t>());
  }
  return true;
}

inline bool parse_betas(const Json& json, TrainConfig& train) {
  const auto fits = [](const Json& beta) { return beta.is_number() && beta >= 0 && beta < 1; };
  if (!json.is_array() || json.size() != 2 || !fits(json[0]) || !fits(json[1])) return false;
  train.beta1 = json[0].get<double>();
  train.beta2 = json[1].get<double>();
  return true;
}

inline bool parse_checkpointing(const Json& json, Checkpointing& value) {
  if (json == "auto") value = Checkpointing::automatic;
  if (json == "on" || json == true) value = Checkpointing::on;
  if (json == "off" || json == false) value = Checkpointing::off;
  return json == "auto" || json == "on" || json == "off" || json.is_boolean();
}

inline Json print_checkpointing(Checkpointing value) {
  return value == Checkpointing::automatic ? "auto" : value == Checkpointing::on ? "on" : "off";
}

template <typename Visitor>
void visit_data(Visitor& v, DataConfig& data) {
  v.text("path", data.path, TextRule::required);
  v.value(
      "grid", "auto or rows x columns such as 3x1",
      [&](const Json& json) {
        data.grid.reset();
        if (json == "auto") return true;
        if (json.is_string()) data.grid = panels::parse_grid(json.get<std::string>());
        return json.is_string();
      },
      [&] { return Json(data.grid ? panels::to_string(*data.grid) : "auto"); });
  v.value(
      "panel", "auto or width x height such as 1024x512, multiples of 16 up to 16384",
      [&](const Json& json) { return parse_panel(json, data.panel); },
      [&] {
        return Json(data.panel ? fmt::format("{}x{}", data.panel->width, data.panel->height)
                               : "auto");
      });
  v.choice("fit", data.fit, kFits);
  v.value(
      "gutter", "a multiple of 16 from 0 to 1024, so that no token straddles a seam",
      [&](const Json& json) {
        if (!json.is_number_integer() || json < 0 || json > 1024) return false;
        data.gutter = json.get<int64_t>();
        return data.gutter % panels::kToken == 0;
      },
      [&] { return Json(data.gutter); });
  v.value(
      "dialect", "auto or the name of a dialect such as scene",
      [&](const Json& json) {
        data.dialect.reset();
        if (json == "auto") return true;
        if (json.is_string()) data.dialect = captions::dialect_from_name(json.get<std::string>());
        return json.is_string();
      },
      [&] { return Json(data.dialect ? captions::name_of(*data.dialect) : "auto"); });
  v.text("trigger", data.trigger, TextRule::any);
  v.value(
      "resolutions", "a list of whole numbers from 16 to 16384 such as [512, 768]",
      [&](const Json& json) { return parse_resolutions(json, data.resolutions); },
      [&] { return Json(data.resolutions); });
  v.value(
      "validation", "a whole number of sets from 0 to 1000000, or a share of them below 1",
      [&](const Json& json) {
        if (!json.is_number() || json < 0 || json > 1'000'000) return false;
        data.validation = json.get<double>();
        return data.validation < 1 || data.validation == std::floor(data.validation);
      },
      [&] { return Json(data.validation); });
}

template <typename Visitor>
void visit_lora(Visitor& v, LoraConfig& lora) {
  v.integer("rank", lora.rank, 1, 65536);
  v.number("alpha", lora.alpha, Range{0, 1e6, true});
  v.value(
      "targets", "all, attention, full, or a list of regular expressions",
      [&](const Json& json) { return parse_targets(json, lora.targets); },
      [&] { return print_targets(lora.targets); });
}

template <typename Visitor>
void visit_train(Visitor& v, TrainConfig& train) {
  v.integer("steps", train.steps, 1, kMostSteps);
  v.integer("batch", train.batch, 1, 65536);
  v.integer("accumulate", train.accumulate, 1, 65536);
  v.number("learning_rate", train.learning_rate, Range{0, 1000});
  v.choice("optimizer", train.optimizer, kOptimizers);
  v.value(
      "betas", "two numbers from 0 to below 1 such as [0.9, 0.999]",
      [&](const Json& json) { return parse_betas(json, train); },
      [&] {
        return Json::array({train.beta1, train.beta2});
      });
  v.number("eps", train.eps, Range{0, 1, true});
  v.number("weight_decay", train.weight_decay, Range{0, 1000});
  v.choice("schedule", train.schedule, kSchedules);
  v.integer("warmup", train.warmup, 0, kMostSteps);
  v.number("clip", train.clip, Range{0, 1e9});
  v.number("ema", train.ema, Range{0, 1, false, true});
  v.number("caption_dropout", train.caption_dropout, Range{0, 1});
  v.number("conditional", train.conditional, Range{0, 1});
  v.number("given_silent", train.given_silent, Range{0, 1});
  v.choice("given_timestep", train.given_timestep, kGivenTimesteps);
  v.choice("given_sees", train.given_sees, kGivenSees);
  v.value(
      "checkpointing", "auto, on or off",
      [&](const Json& json) { return parse_checkpointing(json, train.checkpointing); },
      [&] { return print_checkpointing(train.checkpointing); });
  v.value(
      "threads", "auto or a whole number from 1 to 1024",
      [&](const Json& json) {
        train.threads.reset();
        if (json == "auto") return true;
        if (!json.is_number_integer() || json < 1 || json > 1024) return false;
        train.threads = json.get<int64_t>();
        return true;
      },
      [&] { return train.threads ? Json(*train.threads) : Json("auto"); });
  v.choice("dtype", train.dtype, kPrecisions);
  v.seed("seed", train.seed);
  v.section("timesteps", [&] {
    v.choice("sampling", train.timesteps.sampling, kTimestepSamplings);
    v.number("mean", train.timesteps.mean, Range{-100, 100});
    v.number("std", train.timesteps.std, Range{0, 100, true});
    v.number("shift", train.timesteps.shift, Range{0, 1e6, true});
  });
}

template <typename Visitor>
void visit_sample(Visitor& v, SampleConfig& sample) {
  v.integer("every", sample.every, 0, kMostSteps);
  v.integer("steps", sample.steps, 1, 10000);
  v.number("guidance", sample.guidance, Range{0, 1000});
  v.seed("seed", sample.seed);
  v.value(
      "prompts", "a list of texts",
      [&](const Json& json) {
        const auto prompts = texts_of(json);
        if (prompts) sample.prompts = *prompts;
        return prompts.has_value();
      },
      [&] { return Json(sample.prompts); });
}

template <typename Visitor>
void visit_config(Visitor& v, Config& config) {
  v.text("name", config.name, TextRule::name);
  v.text("model", config.model, TextRule::required);
  v.choice("method", config.method, kMethods);
  v.section("data", [&] { visit_data(v, config.data); });
  v.section("lora", [&] { visit_lora(v, config.lora); });
  v.section("train", [&] { visit_train(v, config.train); });
  v.optional_section("sample", config.sample, [&] { visit_sample(v, *config.sample); });
  v.section("save", [&] {
    v.integer("every", config.save.every, 0, kMostSteps);
    v.integer("keep", config.save.keep, 1, 1'000'000);
    v.choice("dtype", config.save.dtype, kSavePrecisions);
  });
  v.text("out", config.out, TextRule::any);
}

}  // namespace iclora::run
