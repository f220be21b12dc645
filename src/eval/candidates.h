#pragma once
// Many seeds for few steps, the best of them finished.
//
// A candidate is the request's canvas of its seed in fewer steps: the same noise down the same path
// in larger strides, and so a rough of what the full run draws. What is kept is drawn anew from
// that noise in all steps, and is to the byte what a run of that seed alone makes.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "core/progress.h"
#include "eval/set_scorer.h"
#include "sampling/generate.h"

namespace iclora::eval {

struct CandidateSettings {
  int64_t keep = 1;   ///< of the request's `count` canvases, which are the candidates
  int64_t steps = 0;  ///< of a candidate
};

/// The share of its steps that a run gives to a candidate where nothing else is asked for.
int64_t default_candidate_steps(int64_t steps);

struct Candidate {
  int64_t index = 0;  ///< from 0: its seed is the request's + index
  Scored scored;
  int64_t kept = 0;                ///< its place among the kept, from 1; 0: not kept
  std::optional<Scored> finished;  ///< of the kept: the same score of the finished canvas
};

struct BestOf {
  std::string scored_by;
  std::vector<Candidate> candidates;  ///< in the order of their seeds
  sampling::ImageSet set;             ///< the kept ones, the best first
  double draw_seconds = 0, score_seconds = 0;
  double finish_seconds = 0;  ///< what the kept ones alone would have taken
};

/// Of equal scores the lower seed is better. A candidate that could not be scored is told of in a
/// warning and comes last. Error (exit 2) where fewer than `keep` could be scored. Progress:
/// phases of sampling, "scoring" between.
BestOf best_of(const sampling::Resolved& resolved, const CandidateSettings& settings,
               const SetScorer& scorer, const std::string& build, Progress& progress);

/// {"scored_by", "steps", "mean", "kept", "finished": the kept ones' means in few and in all steps,
/// "seconds": {"drawing", "scoring", "finishing"}, "list": [{"seed", "score", "parts", "kept",
/// "finished"}]}.
Json best_of_json(const BestOf& best, const sampling::Resolved& resolved,
                  const CandidateSettings& settings);

}  // namespace iclora::eval
