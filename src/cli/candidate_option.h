#pragma once
// The options of `iclora generate` that choose among several seeds.

#include <optional>
#include <string>

#include "core/json.h"

namespace iclora::cli {

struct CandidateOptions {
  std::optional<std::string> candidates, keep, candidate_steps, score, classifier, judge,
      judge_model, judge_hint;
};

/// Adds "candidates" beside the request, {"count", "keep", "steps", "score", "classifier",
/// "judge": {"endpoint", "model", "hint", "helper"}}, as far as they were given; nothing without
/// --candidates. Errors (exit 2): numbers out of range, contradictions, options that have no
/// effect, an address that is none.
void add_candidates(const CandidateOptions& options, Json& call);

}  // namespace iclora::cli
