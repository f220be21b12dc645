#include "cli/candidate_option.h"

#include <vector>

#include "captions/endpoint.h"
#include "cli/generate_request.h"
#include "cli/library.h"
#include "cli/numbers.h"
#include "core/error.h"

namespace iclora::cli {
namespace {

constexpr int64_t kMostCandidates = 1000;

void refuse_without_candidates(const CandidateOptions& options) {
  for (const auto& [value, option] : {std::pair{&options.keep, "--keep"},
                                      {&options.candidate_steps, "--candidate-steps"},
                                      {&options.score, "--score"},
                                      {&options.classifier, "--classifier"},
                                      {&options.judge, "--judge"},
                                      {&options.judge_model, "--judge-model"},
                                      {&options.judge_hint, "--judge-hint"}}) {
    if (*value) fail_input("{} has no effect without several seeds; add --candidates N", option);
  }
}

Json judge_of(const CandidateOptions& options) {
  const captions::Endpoint endpoint = captions::parse_endpoint(
      *options.judge, options.judge_model.value_or(""), {"--judge", "--judge-model"});
  return {{"endpoint", endpoint.base},
          {"model", endpoint.model},
          {"hint", options.judge_hint.value_or("")},
          {"helper", http_helper_path().native()}};
}

}  // namespace

void add_candidates(const CandidateOptions& options, Json& call) {
  if (!options.candidates) {
    refuse_without_candidates(options);
    return;
  }
  if (call.contains("count")) {
    fail_input(
        "--count contradicts --candidates, of which --keep says how many are finished; leave it "
        "out");
  }
  Json candidates = {
      {"count", parse_integer(*options.candidates, "--candidates", 2, kMostCandidates)}};
  const int64_t count = candidates["count"];
  if (options.keep) {
    const int64_t keep = parse_integer(*options.keep, "--keep", 1, kMostCandidates);
    if (keep > count) {
      fail_input("--keep is {}, but --candidates is {}; keep as many as there are, or fewer", keep,
                 count);
    }
    candidates["keep"] = keep;
  }
  if (options.candidate_steps) {
    candidates["steps"] = parse_integer(*options.candidate_steps, "--candidate-steps", 1, 10000);
  }
  if (options.score) {
    candidates["score"] =
        parse_choice(*options.score, "--score", {"classifier", "pixels", "judge"});
  }
  if (options.classifier) {
    need_file(*options.classifier, "--classifier");
    if (options.judge || (options.score && *options.score != "classifier")) {
      fail_input("--classifier belongs to --score classifier; leave one of them out");
    }
    candidates["classifier"] = *options.classifier;
  }
  if (options.judge) {
    if (options.score && *options.score != "judge") {
      fail_input("--judge and --score {} contradict each other; leave one of them out",
                 *options.score);
    }
    candidates["score"] = "judge";
    candidates["judge"] = judge_of(options);
  } else if (options.score && *options.score == "judge") {
    fail_input("--score judge needs the address of a vision model; add --judge URL");
  } else if (options.judge_model || options.judge_hint) {
    fail_input("{} has no effect without the address of a vision model; add --judge URL",
               options.judge_model ? "--judge-model" : "--judge-hint");
  }
  call["candidates"] = candidates;
}

}  // namespace iclora::cli
