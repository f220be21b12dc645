#pragma once
// What is asked of `generate`, as a struct that round-trips through JSON: the command line, the
// server and the picture's own metadata all speak this form.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "panels/grid.h"

namespace iclora::sampling {

/// Width and height in pixels, written "WxH".
struct Size {
  int64_t width = 0;
  int64_t height = 0;
  bool operator==(const Size&) const = default;
};

/// An adapter file and how strongly it acts.
struct LoraChoice {
  std::string file;
  double strength = 1.0;
};

/// A picture for one panel of the set.
struct GivenPicture {
  int64_t panel = 0;           ///< from 1
  std::string image;           ///< file
  std::optional<int64_t> cut;  ///< the file is a canvas of ours: this panel of it
  std::string sha256;          ///< of the file's bytes; empty: whatever it holds
};

/// As asked: what is not set is settled by `resolve` from the adapters, the prompt and the model.
struct Request {
  std::string model;
  std::string prompt;                      ///< a joint caption, or the overall sentence
  std::vector<std::string> panel_prompts;  ///< one a panel, or none
  std::optional<std::string> negative_prompt;
  double cfg = 1.0;  ///< true classifier-free guidance; 1: off
  std::optional<panels::Grid> grid;
  std::optional<Size> panel;
  std::optional<Size> size;  ///< of the canvas; contradicts `panel`
  std::optional<std::string> dialect;
  std::optional<std::string> method;  ///< "canvas" | "gdt"
  int64_t steps = 20;
  double guidance = 3.5;
  std::optional<uint64_t> seed;  ///< none: drawn from the clock and said
  int64_t count = 1;             ///< canvases, with seeds seed, seed + 1, ...
  std::vector<LoraChoice> loras;
  bool allow_unmatched = false;
  std::vector<GivenPicture> given;            ///< ascending by panel, each once
  std::optional<std::string> condition;       ///< "clean" | "replace" | "sdedit"
  std::optional<double> strength;             ///< of sdedit, above 0, at most 1
  std::optional<std::string> given_timestep;  ///< of clean: "shared" | "zero"
  std::optional<std::string> given_sees;      ///< of clean at zero: "all" | "given"
  std::optional<double> given_attention;      ///< above 0; 1: as any other tokens
  std::optional<std::string> given_as;        ///< "pasted" | "decoded"
  std::optional<std::string> given_fit;       ///< "cover" | "contain"
  std::optional<int64_t> text_length;
  std::optional<std::string> dtype;   ///< "fp32" | "bf16"
  std::optional<std::string> device;  ///< "cpu" | "cuda"
  std::optional<std::string> noise;   ///< safetensors file with `noise`
  int64_t noise_index = 0;            ///< which of the file's noises the first canvas takes
};

/// Strict: unknown keys, wrong types and values out of range are errors (exit 2).
Request request_from_json(const Json& json, const std::string& origin);
/// Only what is set or differs from its default.
Json request_to_json(const Request& request);

}  // namespace iclora::sampling
