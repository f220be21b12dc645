#include "eval/candidates.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "core/error.h"
#include "core/log.h"
#include "eval/estimate.h"

namespace iclora::eval {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

uint64_t seed_of(const sampling::Resolved& resolved, const Candidate& candidate) {
  return *resolved.request.seed + static_cast<uint64_t>(candidate.index);
}

/// Scores canvas after canvas.
std::vector<Scored> score_all(const sampling::ImageSet& set, const SetScorer& scorer,
                              Progress& progress) {
  std::vector<Scored> out;
  const auto total = static_cast<int64_t>(set.canvases.size());
  for (const sampling::Canvas& canvas : set.canvases) {
    progress.report({"scoring", static_cast<int64_t>(out.size()), total, {}});
    check_cancelled(progress);
    out.push_back(scorer.score(canvas.picture));
  }
  progress.report({"scoring", total, total, {}});
  return out;
}

/// Indices of the kept, the best first.
std::vector<int64_t> choose(const std::vector<Candidate>& candidates, int64_t keep) {
  std::vector<int64_t> order;
  std::string fault;
  for (const Candidate& one : candidates) {
    if (one.scored.score) {
      order.push_back(one.index);
    } else {
      fault = one.scored.fault;
    }
  }
  if (static_cast<int64_t>(order.size()) < keep) {
    fail_input("{} of {} candidates could be scored, but {} are to be kept; at last: {}",
               order.size(), candidates.size(), keep, fault);
  }
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return candidates[static_cast<size_t>(a)].scored.score->value >
           candidates[static_cast<size_t>(b)].scored.score->value;
  });
  order.resize(static_cast<size_t>(keep));
  return order;
}

/// To four digits; null where nothing could be scored.
Json mean_of(const std::vector<const Scored*>& all) {
  double sum = 0;
  int64_t count = 0;
  for (const Scored* one : all) {
    if (!one->score) continue;
    sum += one->score->value;
    ++count;
  }
  if (count == 0) return nullptr;
  return rounded(sum / static_cast<double>(count));
}

Json scored_json(const Scored& scored) {
  return scored.score ? score_to_json(*scored.score) : Json{{"fault", scored.fault}};
}

double to_hundredths(double seconds) {
  return std::round(seconds * 100) / 100;
}

}  // namespace

int64_t default_candidate_steps(int64_t steps) {
  return std::max<int64_t>(1, (2 * steps + 4) / 5);
}

BestOf best_of(const sampling::Resolved& resolved, const CandidateSettings& settings,
               const SetScorer& scorer, const std::string& build, Progress& progress) {
  BestOf out;
  out.scored_by = scorer.name;
  auto start = Clock::now();
  const sampling::Prepared prepared = sampling::prepare(resolved, progress);
  const double prepare_seconds = seconds_since(start);
  std::vector<int64_t> all(static_cast<size_t>(resolved.request.count));
  std::iota(all.begin(), all.end(), 0);

  start = Clock::now();
  const sampling::ImageSet roughs =
      sampling::draw(resolved, prepared, all, settings.steps, build, progress);
  out.draw_seconds = seconds_since(start);
  start = Clock::now();
  const std::vector<Scored> scores = score_all(roughs, scorer, progress);
  for (const int64_t index : all) {
    Candidate one;
    one.index = index;
    one.scored = scores[static_cast<size_t>(index)];
    if (!one.scored.score) {
      log::warning("The candidate of seed {} has no score: {}", seed_of(resolved, one),
                   one.scored.fault);
    }
    out.candidates.push_back(std::move(one));
  }
  const std::vector<int64_t> kept = choose(out.candidates, settings.keep);
  out.score_seconds = seconds_since(start);

  start = Clock::now();
  out.set = sampling::draw(resolved, prepared, kept, resolved.request.steps, build, progress);
  out.finish_seconds = prepare_seconds + seconds_since(start);
  start = Clock::now();
  const std::vector<Scored> finished = score_all(out.set, scorer, progress);
  out.score_seconds += seconds_since(start);
  for (size_t place = 0; place < kept.size(); ++place) {
    Candidate& one = out.candidates[static_cast<size_t>(kept[place])];
    one.kept = static_cast<int64_t>(place) + 1;
    one.finished = finished[place];
  }
  return out;
}

Json best_of_json(const BestOf& best, const sampling::Resolved& resolved,
                  const CandidateSettings& settings) {
  std::vector<const Scored*> all, kept, finished;
  Json list = Json::array();
  for (const Candidate& one : best.candidates) {
    all.push_back(&one.scored);
    Json json = {{"seed", seed_of(resolved, one)}};
    json.update(scored_json(one.scored));
    if (one.kept > 0) {
      kept.push_back(&one.scored);
      finished.push_back(&*one.finished);
      json["kept"] = one.kept;
      json["finished"] = scored_json(*one.finished);
    }
    list.push_back(json);
  }
  return {{"scored_by", best.scored_by},
          {"steps", settings.steps},
          {"mean", mean_of(all)},
          {"kept", mean_of(kept)},
          {"finished", mean_of(finished)},
          {"seconds",
           {{"drawing", to_hundredths(best.draw_seconds)},
            {"scoring", to_hundredths(best.score_seconds)},
            {"finishing", to_hundredths(best.finish_seconds)}}},
          {"list", list}};
}

}  // namespace iclora::eval
