#include "cli/library/best_of.h"

#include <chrono>
#include <cstdlib>
#include <thread>

#include "captions/endpoint.h"
#include "captions/http_client.h"
#include "captions/judge.h"
#include "core/error.h"
#include "core/log.h"
#include "eval/candidates.h"

namespace iclora::cli {
namespace {

constexpr int64_t kMost = 100000;

/// Waits in pieces, so that a cancellation is seen soon.
void pause(std::chrono::milliseconds time, const Progress& progress) {
  constexpr std::chrono::milliseconds kPiece{100};
  for (auto left = time; left.count() > 0; left -= kPiece) {
    check_cancelled(progress);
    std::this_thread::sleep_for(std::min(left, kPiece));
  }
}

std::unique_ptr<captions::Judge> make_judge(const BestOfOptions& options, Progress& progress) {
  captions::Endpoint endpoint =
      captions::parse_endpoint(options.endpoint, options.model, {"--judge", "--judge-model"});
  const std::string left_out =
      captions::take_key(endpoint, [](const std::string& name) -> std::optional<std::string> {
        const char* value = std::getenv(name.c_str());
        return value == nullptr ? std::nullopt : std::optional<std::string>(value);
      });
  if (!left_out.empty()) log::warning("{}", left_out);
  const auto client = std::make_shared<const captions::HttpClient>(options.helper);
  return std::make_unique<captions::Judge>(
      std::move(endpoint), captions::Patience{},
      [client, &progress](const captions::HttpRequest& request) {
        return client->post(request, [&progress] { return progress.cancelled(); });
      },
      [&progress](std::chrono::milliseconds time) { pause(time, progress); });
}

void say(const Json& report) {
  const auto figure = [&](const char* key) {
    return report[key].is_number() ? fmt::format("{:.3f}", report[key].get<double>()) : "none";
  };
  const Json& seconds = report["seconds"];
  log::info(
      "Of {} candidates, scored by {}: {} on average, the kept {}, finished {}; {:.1f} s to draw "
      "and {:.1f} s to score them, {:.1f} s to finish.",
      report["list"].size(), report["scored_by"].get<std::string>(), figure("mean"), figure("kept"),
      figure("finished"), seconds["drawing"].get<double>(), seconds["scoring"].get<double>(),
      seconds["finishing"].get<double>());
}

}  // namespace

BestOfOptions best_of_options(const Json& json, const std::string& origin) {
  if (!json.is_object()) fail_input("{} must be an object.", printable(origin));
  for (const auto& [key, value] : json.items()) {
    if (key != "count" && key != "keep" && key != "steps" && key != "score" &&
        key != "classifier" && key != "judge") {
      fail_input("{}: '{}' is not a key; there are count, keep, steps, score, classifier, judge.",
                 printable(origin), printable(key));
    }
  }
  BestOfOptions out;
  out.count = json_integer(json, "count", origin, 2, kMost);
  out.keep = json_integer_or(json, "keep", origin, 1, out.count, 1);
  if (json.contains("steps")) out.steps = json_integer(json, "steps", origin, 1, kMost);
  out.score = json_string_or(json, "score", origin, "auto");
  if (out.score != "auto" && out.score != "classifier" && out.score != "pixels" &&
      out.score != "judge") {
    fail_input("{}: 'score' is '{}', expected auto, classifier, pixels or judge.",
               printable(origin), printable(out.score));
  }
  if (json.contains("classifier")) out.classifier = json_string(json, "classifier", origin);
  if (out.score == "judge") {
    const auto judge = json.find("judge");
    if (judge == json.end() || !judge->is_object()) {
      fail_input("{}: 'judge' must say the endpoint of the vision model.", printable(origin));
    }
    out.endpoint = json_string(*judge, "endpoint", origin + ": judge");
    out.model = json_string_or(*judge, "model", origin + ": judge", "");
    out.hint = json_string_or(*judge, "hint", origin + ": judge", "");
    out.helper = json_string(*judge, "helper", origin + ": judge");
  }
  return out;
}

struct BestOfRun::Parts {
  const sampling::Resolved& resolved;
  Progress& progress;
  std::unique_ptr<captions::Judge> judge;
  eval::CandidateSettings settings;
  eval::SetScorer scorer;
};

BestOfRun::BestOfRun(const BestOfOptions& options, const sampling::Resolved& resolved,
                     Progress& progress)
    : parts_(new Parts{resolved, progress, nullptr, {}, {}}) {
  const int64_t steps = resolved.request.steps;
  parts_->settings.keep = options.keep;
  parts_->settings.steps = options.steps.value_or(eval::default_candidate_steps(steps));
  if (parts_->settings.steps > steps) {
    fail_input("--candidate-steps is {}, but a finished canvas has {}; use {} or fewer.",
               parts_->settings.steps, steps, steps);
  }
  if (options.score == "judge") parts_->judge = make_judge(options, progress);
  parts_->scorer =
      eval::make_scorer(eval::set_to_score(resolved),
                        {options.score, options.classifier, parts_->judge.get(), options.hint});
}

BestOfRun::~BestOfRun() = default;

sampling::ImageSet BestOfRun::draw(const std::string& build, Json& report) {
  eval::BestOf best =
      eval::best_of(parts_->resolved, parts_->settings, parts_->scorer, build, parts_->progress);
  report = eval::best_of_json(best, parts_->resolved, parts_->settings);
  say(report);
  return std::move(best.set);
}

}  // namespace iclora::cli
