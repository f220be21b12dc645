#pragma once
// From the options of `iclora generate` to the request that libiclora understands.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/candidate_option.h"
#include "cli/given_option.h"
#include "core/json.h"

namespace iclora::cli {

/// As they stand on the command line; what was not given is not set.
struct GenerateOptions {
  std::optional<std::string> model, prompt, negative_prompt, cfg, grid, panel, size, dialect,
      method, steps, guidance, seed, count, text_length, dtype, device, threads, noise,
      save_latents, from, task, out;
  std::vector<std::string> panel_prompts;
  std::vector<std::string> loras;  ///< FILE or FILE:STRENGTH
  GivenOptions given;
  CandidateOptions candidates;
  bool allow_unmatched = false;
  bool no_split = false;
};

/// What was given, in the form of sampling::Request, beside "from", "redo", "extend",
/// "candidates", "out", "split", "save_latents", "threads" and "model_search". Errors (exit 2, 6)
/// for what is wrong with the line alone: contradictions, ranges, sizes, outputs that cannot be
/// written.
Json generate_call(const GenerateOptions& options,
                   const std::vector<std::filesystem::path>& model_search);

/// One of a few words; error (exit 2) that names the nearest.
std::string parse_choice(const std::string& text, const char* what,
                         const std::vector<std::string>& known);
/// Error (exit 2) unless there is a file; `what` names it.
void need_file(const std::string& path, const char* what);

/// "style.safetensors:0.8" -> {"file", "strength"}; a colon that no number follows belongs to the
/// name. Errors (exit 2), also where there is no such file.
Json parse_lora(const std::string& text);

}  // namespace iclora::cli
